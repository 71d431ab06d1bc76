// The worker that holds the network, so that the page stays live.
//
// Asked { id, ask, ... }, it answers { id, done: ... } or { id, failed: message, broken }, broken where the
// program ended and can be asked no more; before that it may tell
// { id, progress: { stage, part } } with part from 0 to 1.

import { Gradex } from './gradex.js';

const TOP = 5;
const WEIGHTS = 'efficientnet-lite0.safetensors';

let gradex, model, labels;
let now;
/** The picture, what the network saw of it by which method, and the explanations of that, by class. */
let picture, view, seenBy;
const explanations = new Map();

const asks = {
  async load() {
    const wasm = fetchWhole('gradex.wasm', () => {});
    const weights = fetchWhole(WEIGHTS, (part) => tell('Loading the network', part));
    gradex = await Gradex.load(await wasm, (done, total) => tell('Looking', done / total));
    model = gradex.model(await weights);
    labels = gradex.names('labels');
    return { version: gradex.version, methods: gradex.names('methods'), labels };
  },

  /** A picture, as ImageData: what is on it? */
  look({ pixels, method }) {
    forget();
    picture = pixels;
    see(method);
    const named = (found) => ({ ...found, label: labels[found.class] });
    return { predictions: gradex.top(view, TOP).map(named), bytes: gradex.memory };
  },

  /** Why this class? */
  explain({ class: class_, method, plain, opacity, colourMap = null, maps = false }) {
    const began = performance.now();
    if (seenBy !== method) see(method);
    if (!explanations.has(class_)) {
      const sharp = gradex.explain(view, class_);
      explanations.set(class_, { sharp, plain: gradex.plain(sharp) });
    }
    const explanation = explanations.get(class_)[plain ? 'plain' : 'sharp'];
    const overlay = gradex.overlay(explanation, picture, { opacity, colourMap });
    const milliseconds = performance.now() - began;
    const asked = maps ? { fine: gradex.fine(explanation), coarse: gradex.coarse(explanation) } : {};
    return { overlay, reason: gradex.reason(explanation), milliseconds, bytes: gradex.memory, ...asked };
  },
};

/** One after the other, in the order asked. */
let turn = Promise.resolve();
onmessage = ({ data }) => { turn = turn.then(() => answer(data)); };

async function answer(data) {
  now = data.id;
  try {
    const done = await asks[data.ask](data);
    postMessage({ id: data.id, done }, done.overlay ? [done.overlay.data.buffer] : []);
  } catch (error) {
    postMessage({ id: data.id, failed: error.message, broken: error instanceof WebAssembly.RuntimeError });
  }
}

function tell(stage, part) {
  postMessage({ id: now, progress: { stage, part } });
}

/** One forward pass, that keeps what the method needs. */
function see(method) {
  forget();
  view = gradex.look(model, picture, { method });
  seenBy = method;
}

function forget() {
  explanations.forEach(({ sharp, plain }) => [sharp, plain].forEach((explanation) => gradex.free({ explanation })));
  explanations.clear();
  gradex.free({ view: view ?? 0 });
  view = seenBy = undefined;
}

async function fetchWhole(path, told) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${answer.statusText}`);
  const length = Number(answer.headers.get('Content-Length'));
  const chunks = [];
  let count = 0;
  for (const reader = answer.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    count += value.length;
    if (length) told(Math.min(count / length, 1));
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
