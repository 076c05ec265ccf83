// Loads the runtime in WebAssembly and calls it. The worker of the page uses this module, and so can
// any other program in JavaScript.

/** A request that the runtime refused; the message says what was expected and how to fix it. */
export class Refused extends Error {
  name = "Refused";
}

const NOT_SUPPORTED = 52; // "nosys" of WASI
const decoder = new TextDecoder();

/**
 * Returns the few functions of WASI that the C library is linked with. The runtime reads no file;
 * what the library prints before it stops goes to the console.
 */
function systemOf(module, memory) {
  const known = {
    fd_write(file, buffers, count, written) {
      const view = new DataView(memory().buffer);
      let size = 0;
      let said = "";
      for (let i = 0; i < count; ++i) {
        const start = view.getUint32(buffers + 8 * i, true);
        const length = view.getUint32(buffers + 8 * i + 4, true);
        said += decoder.decode(new Uint8Array(memory().buffer, start, length));
        size += length;
      }
      view.setUint32(written, size, true);
      if (said.trim()) console.error(said.trimEnd());
      return 0;
    },
    clock_time_get(clock, precision, time) {
      const nanoseconds = BigInt(Math.round(performance.now() * 1e6));
      new DataView(memory().buffer).setBigUint64(time, nanoseconds, true);
      return 0;
    },
    proc_exit(code) {
      throw new Refused(`[web] expected the runtime to go on, got its exit with ${code}; reload`);
    },
  };
  const imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = known[name] ?? (() => NOT_SUPPORTED);
  }
  return imports;
}

/** One model in one instance of the runtime. */
export class Engine {
  #calls;
  #pixels = { start: 0, size: 0 };
  #stopped = false;

  /** `module` is a compiled WebAssembly.Module of hvit_edge.wasm. */
  static async create(module) {
    const engine = new Engine();
    const system = systemOf(module, () => engine.#calls.memory);
    engine.#calls = (await WebAssembly.instantiate(module, system)).exports;
    engine.#calls._initialize?.();
    return engine;
  }

  /** Opens the bytes of an artifact and returns its description. */
  open(bytes) {
    const start = this.#store(bytes);
    return this.#answer(() => this.#calls.hve_web_open(start, bytes.byteLength));
  }

  /** Compares the answer to the artifact's golden sample with PyTorch's. */
  selfTest() {
    return this.#answer(() => this.#calls.hve_web_self_test());
  }

  /** Classifies an ImageData: [{label, index, score}], the most probable first. */
  classify(image, topK = 5) {
    this.putPixels(image);
    return this.classifyAgain(image, topK);
  }

  /** Copies the pixels of an ImageData to the runtime. */
  putPixels({ data }) {
    if (this.#pixels.size < data.byteLength) {
      this.#calls.hve_web_release(this.#pixels.start);
      this.#pixels = { start: 0, size: 0 };
      this.#pixels = { start: this.#allocate(data.byteLength), size: data.byteLength };
    }
    this.#bytes(this.#pixels.start, data.byteLength).set(data);
  }

  /** Classifies the pixels that were copied last. */
  classifyAgain({ width, height }, topK = 5) {
    const call = () => this.#calls.hve_web_classify(this.#pixels.start, width, height, topK);
    return this.#answer(call).predictions;
  }

  /** Returns the vector of an ImageData, a Float32Array. */
  embed(image) {
    this.putPixels(image);
    return this.embedAgain(image);
  }

  /** Returns the vector of the pixels that were copied last. */
  embedAgain({ width, height }) {
    const call = () => this.#calls.hve_web_embed(this.#pixels.start, width, height);
    return Float32Array.from(this.#answer(call).embedding);
  }

  /**
   * Segments an ImageData: {width, height, segments, classes}. `segments` has {label, index, color,
   * area} of each class that is there, and `classes` that of each pixel, a Uint8Array.
   */
  segment(image) {
    this.putPixels(image);
    return this.segmentAgain(image);
  }

  /** Segments the pixels that were copied last. */
  segmentAgain({ width, height }) {
    const call = () => this.#calls.hve_web_segment(this.#pixels.start, width, height);
    const mask = this.#answer(call);
    const start = this.#calls.hve_web_mask();
    return { ...mask, classes: this.#bytes(start, mask.width * mask.height).slice() };
  }

  /**
   * Finds objects in an ImageData: [{label, index, score, bbox}], the best first. `bbox` is x, y,
   * width and height in pixels.
   */
  detect(image, scoreThreshold = 0.3) {
    this.putPixels(image);
    return this.detectAgain(image, scoreThreshold);
  }

  /** Finds objects in the pixels that were copied last. */
  detectAgain({ width, height }, scoreThreshold = 0.3) {
    const call = () =>
      this.#calls.hve_web_detect(this.#pixels.start, width, height, scoreThreshold);
    return this.#answer(call).detections;
  }

  /** Runs the model: all inputs one after another, as float32, and all outputs the same way. */
  run(inputs) {
    const from = this.#store(inputs);
    const count = this.#calls.hve_web_values(1);
    const to = this.#allocate(4 * count);
    try {
      this.#answer(() => this.#calls.hve_web_run(from, inputs.length, to, count));
      return new Float32Array(this.#calls.memory.buffer.slice(to, to + 4 * count));
    } finally {
      this.#calls.hve_web_release(from);
      this.#calls.hve_web_release(to);
    }
  }

  /** Returns the bytes of memory that the runtime has. */
  get memoryBytes() {
    return this.#calls.memory.buffer.byteLength;
  }

  #bytes(start, size) {
    return new Uint8Array(this.#calls.memory.buffer, start, size);
  }

  #allocate(size) {
    const start = this.#calls.hve_web_allocate(size);
    if (start === 0) throw new Refused(outOfMemory(`no ${size} bytes`));
    return start;
  }

  #store(values) {
    const start = this.#allocate(values.byteLength);
    this.#bytes(start, values.byteLength).set(
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    );
    return start;
  }

  #answer(call) {
    if (this.#stopped) {
      throw new Refused("[web] expected a running model, got one that stopped; open it again");
    }
    let status;
    try {
      status = call();
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      this.#stopped = true;
      // Without exceptions, the C++ library stops if there is no memory.
      throw new Refused(outOfMemory(`a stop of the runtime (${error.message})`));
    }
    const text = this.#text();
    if (status !== 0) throw new Refused(text);
    return JSON.parse(text);
  }

  #text() {
    const start = this.#calls.hve_web_text();
    const bytes = new Uint8Array(this.#calls.memory.buffer, start);
    return decoder.decode(bytes.slice(0, bytes.indexOf(0)));
  }
}

function outOfMemory(got) {
  return `[web] expected enough memory, got ${got}; close other tabs, or use a smaller photo or model`;
}
