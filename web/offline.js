// The service worker: what was loaded once is there without a network.
//
// The page itself is kept when it is installed, the program and the weights when they are first asked for: nothing else, and
// only with the content that the site was built with, whatever a network on the way hands out in its place. A new version has
// a cache of its own; the old one goes when no page uses it any more.

const CACHE = 'gradex-@VERSION@';
const PAGE = ['./', 'style.css', 'page.js', 'worker.js', 'gradex.js', 'icon.svg', 'gradex.webmanifest',
  'chelsea.png'];
/** The sha256 of each file of the site. */
const FILES = new Map(Object.entries(@FILES@));

addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => Promise.all(PAGE.map((name) => install(cache, name)))));
});

addEventListener('activate', (event) => {
  const stale = (name) => name.startsWith('gradex-') && name !== CACHE;
  const removed = caches.keys().then((names) => Promise.all(names.filter(stale).map((name) => caches.delete(name))));
  event.waitUntil(removed.then(() => clients.claim()));
});

addEventListener('fetch', (event) => {
  const name = nameOf(event.request.url);
  if (event.request.method === 'GET' && FILES.has(name)) event.respondWith(answer(event, name));
});

/** An address as the site's files are named; whatever comes after a question mark is no part of it. */
function nameOf(url) {
  const { origin, pathname } = new URL(url);
  const address = origin + pathname;
  const name = address.startsWith(registration.scope) ? address.slice(registration.scope.length) : null;
  return name === '' || name === 'index.html' ? './' : name;
}

async function install(cache, name) {
  if (!await keep(cache, name, await fetch(name, { cache: 'no-cache' }))) throw new Error(`${name} is not the site's own`);
}

async function answer(event, name) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(name);
  if (kept) return kept;
  const fresh = await fetch(event.request);
  event.waitUntil(keep(cache, name, fresh.clone()));
  return fresh;
}

/** Keeps an answer that is what the site was built with, and tells whether it was. */
async function keep(cache, name, answer) {
  if (!answer.ok) return false;
  const digest = await crypto.subtle.digest('SHA-256', await answer.clone().arrayBuffer());
  const sha256 = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (sha256 !== FILES.get(name)) return false;
  await cache.put(name, answer);
  return true;
}
