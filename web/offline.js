// The service worker: what was loaded once is there without a network.
//
// The page itself is kept when it is installed, the program and the weights when they are first asked for. A new version has
// a cache of its own; the old one goes when no page uses it any more.

const CACHE = 'gradex-@VERSION@';
const PAGE = ['./', 'style.css', 'page.js', 'worker.js', 'gradex.js', 'icon.svg', 'gradex.webmanifest',
  'chelsea.png'];

addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(PAGE)));
});

addEventListener('activate', (event) => {
  const stale = (name) => name.startsWith('gradex-') && name !== CACHE;
  const removed = caches.keys().then((names) => Promise.all(names.filter(stale).map((name) => caches.delete(name))));
  event.waitUntil(removed.then(() => clients.claim()));
});

addEventListener('fetch', (event) => {
  if (event.request.method === 'GET') event.respondWith(answer(event));
});

async function answer(event) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(event.request, { ignoreSearch: true });
  if (kept) return kept;
  const fresh = await fetch(event.request);
  if (fresh.ok) event.waitUntil(cache.put(event.request, fresh.clone()));
  return fresh;
}
