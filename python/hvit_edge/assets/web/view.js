// Writes what the model answers into the page.

const element = (id) => document.getElementById(id);

/** Returns the middle of some numbers. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

const milliseconds = (ms) => `${ms < 10 ? ms.toFixed(2) : ms.toFixed(1)} ms`;
const megabytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

export function showError(sentence) {
  element("error").textContent = sentence ?? "";
  element("error").hidden = !sentence;
}

export function showModel({ description: model, loadMs }, bytes) {
  element("model").textContent = model.model;
  document.title = `${model.model} – hvit-edge demo`;
  const input = model.task !== "tensor" ? ` ${model.input_width} × ${model.input_height} pixels,` : "";
  const program = element("program");
  program.textContent =
    `${model.target}, ${model.precision},${input} ${megabytes(bytes)}, opened in ${milliseconds(loadMs)},` +
    ` runtime ${model.runtime}`;
  program.dataset.ms = loadMs;
}

export function showSelfTest({ selfTest: test, description }) {
  const output = element("self-test");
  output.textContent =
    `${test.passed ? "passed" : "failed"}: differs from PyTorch by ${test.max_rel?.toExponential(1)}` +
    ` of the largest output (allowed: ${description.tolerance.toExponential(1)})`;
  output.className = test.passed ? "passed" : "failed";
  output.dataset.maxRel = test.max_rel;
  output.dataset.passed = test.passed;
}

export function showLatency(times) {
  const output = element("latency");
  if (times.length === 0) {
    output.textContent = "not measured yet";
    delete output.dataset.ms;
    return;
  }
  output.dataset.ms = median(times);
  const many = times.length === 1 ? "one run" : `median of the last ${times.length} runs`;
  output.textContent = `${milliseconds(median(times))}, ${many}, with the preprocessing`;
}

const MOST_SIDE = 1024; // pixels of the picture that is shown

/** Shows a bitmap, or the video if there is none. */
export function showPicture(bitmap) {
  const canvas = element("preview");
  element("frame").classList.add("shows");
  element("hint").hidden = true;
  element("overlay").hidden = true;
  element("video").hidden = bitmap !== null;
  canvas.hidden = bitmap === null;
  if (bitmap === null) return;
  const scale = Math.min(1, MOST_SIDE / Math.max(bitmap.width, bitmap.height));
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
}
