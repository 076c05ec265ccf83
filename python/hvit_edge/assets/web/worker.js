// Runs the model, so that the page stays responsive. A message {id, kind, ...} gets one answer
// {id, value} or {id, error}.
import { Engine } from "./engine.js";
import { missing, missingForPhotos } from "./support.js";

const MOST_RUNS = 10; // of one photo
const MOST_MS = 500; // after which a photo is not run again

let engine = null; // with the open model
let task = null; // of it
let module = null;
let canvas = null;

/** Returns a new instance of the runtime. */
async function start() {
  const lack = missing() ?? missingForPhotos();
  if (lack) throw new Error(lack);
  if (module === null) {
    const response = await fetch("hvit_edge.wasm");
    if (!response.ok) {
      throw new Error(`[web] expected hvit_edge.wasm, got HTTP ${response.status}; reload the page`);
    }
    try {
      module = await WebAssembly.compile(await response.arrayBuffer());
    } catch (error) {
      throw new Error(
        `[web] expected permission to compile WebAssembly, got ${error.message};` +
          " allow it for this page, or open it in another browser",
      );
    }
  }
  return Engine.create(module);
}

function timed(run) {
  const before = performance.now();
  const value = run();
  return { value, ms: performance.now() - before };
}

/** Returns the pixels of a bitmap, on white if they are transparent. */
function pixelsOf(bitmap) {
  const { width, height } = bitmap;
  if (canvas?.width !== width || canvas?.height !== height) canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) {
    throw new Error(
      `[photo] expected a photo that the browser can hold, got ${width} x ${height} pixels; use a smaller one`,
    );
  }
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

const LOOKS = {
  classify: (image) => engine.classifyAgain(image),
  embed: (image) => engine.embedAgain(image),
  segment: (image) => engine.segmentAgain(image),
  detect: (image) => engine.detectAgain(image),
};

const ANSWERS = {
  async open({ bytes }) {
    const before = performance.now();
    const opened = await start();
    const description = opened.open(new Uint8Array(bytes));
    const loadMs = performance.now() - before;
    const test = timed(() => opened.selfTest());
    engine = opened; // a model that is refused leaves the former one open
    task = description.task;
    return { description, loadMs, selfTest: test.value, selfTestMs: test.ms };
  },

  /** Answers for a bitmap once, or several times to measure the time. */
  async look({ bitmap, repeat }) {
    const image = pixelsOf(bitmap);
    engine.putPixels(image);
    const times = [];
    let answer;
    let total = 0;
    do {
      const { value, ms } = timed(() => LOOKS[task](image));
      answer = value;
      times.push(ms);
      total += ms;
    } while (repeat && times.length < MOST_RUNS && total < MOST_MS);
    return { task, answer, times };
  },
};

self.addEventListener("message", async ({ data }) => {
  try {
    self.postMessage({ id: data.id, value: await ANSWERS[data.kind](data) });
  } catch (error) {
    self.postMessage({ id: data.id, error: error.message });
  }
});
