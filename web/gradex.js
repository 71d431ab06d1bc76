// gradex.wasm for JavaScript: crates/ffi/include/gradex.h has the contract of the functions that are called here, and
// crates/wasm/src of those that a browser needs besides (gradex_allocate, gradex_release, gradex_explain).
//
// A pointer is a number. Each handle is freed by hand: FinalizationRegistry promises nothing.

const LISTS = { labels: 0, methods: 1, extrapolations: 2, architectures: 3, colourMaps: 4 };

/** A failed call: `status` is a GradexStatus, the message says what is wrong and what to do. */
export class GradexError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export class Gradex {
  #wasm;

  /** `bytes` is the content of gradex.wasm; `told(done, total)` hears of the passes of long methods. */
  static async load(bytes, told = () => {}) {
    const progress = (done, total) => (told(done, total) === false ? 1 : 0);
    const { instance } = await WebAssembly.instantiate(bytes, { gradex: { progress } });
    return new Gradex(instance.exports);
  }

  constructor(wasm) {
    this.#wasm = wasm;
  }

  get version() {
    return this.#textAt(this.#wasm.gradex_version());
  }

  /** Bytes of memory that the module holds; WebAssembly never gives any back. */
  get memory() {
    return this.#wasm.memory.buffer.byteLength;
  }

  /** All names of a list: labels, methods, extrapolations, architectures or colourMaps. */
  names(list) {
    const names = [];
    for (;;) {
      const name = this.#text((buffer, capacity, length) =>
        this.#wasm.gradex_name(LISTS[list], names.length, buffer, capacity, length));
      if (name === null) return names;
      names.push(name);
    }
  }

  /** A model with the weights of a .safetensors file. */
  model(weights, architecture = null) {
    return this.#with([weights, text(architecture)], ([weightsAt, nameAt], out) => {
      this.#check(this.#wasm.gradex_model_from_bytes(nameAt, weightsAt, weights.length, out));
      return this.#word(out);
    });
  }

  /** Shows a picture, the pixels of an ImageData, to a model. */
  look(model, { data, width, height }, { method = null, point = null, extrapolation = null, fit = null, samples = 0, seed = 0n } = {}) {
    return this.#with([data, ...[method, point, extrapolation, fit].map(text)], ([rgba, ...names], out) => {
      const question = this.#wasm.gradex_allocate(32);
      try {
        const view = new DataView(this.#wasm.memory.buffer, question, 32);
        [...names, samples].forEach((word, at) => view.setUint32(4 * at, word, true));
        view.setBigUint64(24, BigInt(seed), true);
        this.#check(this.#wasm.gradex_view_pixels(model, rgba, height, width, question, out));
      } finally {
        this.#wasm.gradex_release(question, 32);
      }
      return this.#word(out);
    });
  }

  /** The most probable classes, best first. */
  top(view, count) {
    const size = 16;
    return this.#with([new Uint8Array(size * count)], ([predictions], out) => {
      this.#check(this.#wasm.gradex_view_top(view, predictions, count, out));
      const found = new DataView(this.#wasm.memory.buffer, predictions, size * this.#word(out));
      return Array.from({ length: found.byteLength / size }, (_, at) => ({
        class: found.getUint32(size * at, true),
        probability: found.getFloat64(size * at + 8, true),
      }));
    });
  }

  /** Why this class? */
  explain(view, class_) {
    return this.#with([], (_, out) => {
      this.#check(this.#wasm.gradex_explain(view, class_, out));
      return this.#word(out);
    });
  }

  /** The same explanation without extrapolation. */
  plain(explanation) {
    return this.#with([], (_, out) => {
      this.#check(this.#wasm.gradex_explanation_plain(explanation, out));
      return this.#word(out);
    });
  }

  /** The map at the network's input size, in [0, 1]: { values, channels, height, width }. */
  fine(explanation) {
    return this.#map((...into) => this.#wasm.gradex_explanation_fine(explanation, ...into));
  }

  /** The method's own map: raw, signed, not normalised. */
  coarse(explanation) {
    return this.#map((...into) => this.#wasm.gradex_explanation_coarse(explanation, ...into));
  }

  /** Why the map is blank; empty where it is not. */
  reason(explanation) {
    return this.#text((...into) => this.#wasm.gradex_explanation_reason(explanation, ...into));
  }

  /** The map drawn over a picture of this size: an ImageData. */
  overlay(explanation, { width, height }, { opacity = 0.7, colourMap = null } = {}) {
    const length = 4 * width * height;
    const pixels = this.#wasm.gradex_allocate(length);
    try {
      this.#with([text(colourMap)], ([map]) =>
        this.#check(this.#wasm.gradex_explanation_overlay(explanation, map, opacity, pixels, length)));
      return new ImageData(new Uint8ClampedArray(this.#wasm.memory.buffer.slice(pixels, pixels + length)), width, height);
    } finally {
      this.#wasm.gradex_release(pixels, length);
    }
  }

  free({ explanation = 0, view = 0, model = 0 }) {
    this.#wasm.gradex_explanation_free(explanation);
    this.#wasm.gradex_view_free(view);
    this.#wasm.gradex_model_free(model);
  }

  /** Copies of arrays in the module's memory (a null stays null), and a word for what a call puts out. */
  #with(arrays, use) {
    const given = [];
    const place = (bytes) => {
      if (bytes === null) return 0;
      const at = this.#wasm.gradex_allocate(bytes.byteLength);
      if (at === 0) throw new GradexError(6, `there is no memory for ${bytes.byteLength} bytes more`);
      given.push([at, bytes.byteLength]);
      new Uint8Array(this.#wasm.memory.buffer, at, bytes.byteLength).set(bytes);
      return at;
    };
    try {
      return use(arrays.map(place), place(new Uint8Array(12)));
    } finally {
      given.forEach(([at, length]) => this.#wasm.gradex_release(at, length));
    }
  }

  #word(at) {
    return new DataView(this.#wasm.memory.buffer).getUint32(at, true);
  }

  /** A map of any size: asked for its shape, then for its values. */
  #map(put) {
    return this.#with([], (_, shape) => {
      put(0, 0, shape);
      const [channels, height, width] = new Uint32Array(this.#wasm.memory.buffer.slice(shape, shape + 12));
      const count = channels * height * width;
      return this.#with([new Uint8Array(4 * count)], ([values]) => {
        this.#check(put(values, count, shape));
        const copy = new Float32Array(this.#wasm.memory.buffer.slice(values, values + 4 * count));
        return { values: copy, channels, height, width };
      });
    });
  }

  /** A text of any length; null where there is none. */
  #text(put) {
    return this.#with([], (_, out) => {
      if (put(0, 0, out) === 3) return null;
      const length = this.#word(out);
      return this.#with([new Uint8Array(length)], ([buffer]) => {
        this.#check(put(buffer, length, out));
        return this.#textAt(buffer);
      });
    });
  }

  #textAt(at) {
    const bytes = new Uint8Array(this.#wasm.memory.buffer, at);
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  }

  #check(status) {
    if (status === 0) return;
    const length = this.#wasm.gradex_error(0, 0);
    throw new GradexError(status, this.#with([new Uint8Array(length)], ([buffer]) => {
      this.#wasm.gradex_error(buffer, length);
      return this.#textAt(buffer);
    }));
  }
}

function text(text) {
  return text === null ? null : new TextEncoder().encode(`${text}\0`);
}
