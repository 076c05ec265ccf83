// The page: opens the artifact, takes photos and frames of the camera, and shows the answers.
import { clearAnswers, showAnswer } from "./answers.js";
import { Camera } from "./camera.js";
import { ModelWorker } from "./model_worker.js";
import { missing } from "./support.js";
import { showError, showLatency, showModel, showPicture, showSelfTest } from "./view.js";

const element = (id) => document.getElementById(id);
const MOST_FRAMES = 30; // of which the latency is the median

const worker = new ModelWorker();
const camera = new Camera(element("video"));
let times = [];
let turn = 0; // of the photo or camera that is shown: answers to earlier ones are not

const setState = (state) => (document.body.dataset.state = state);

async function attempt(action) {
  showError(null);
  setState("busy");
  try {
    await action();
  } catch (error) {
    showError(error.message);
    setState("error");
  }
}

/** Opens the bytes of an artifact. */
async function open(buffer) {
  const bytes = buffer.byteLength;
  setState("loading");
  const opened = await worker.ask({ kind: "open", bytes: buffer }, [buffer]);
  stopCamera();
  times = [];
  showModel(opened, bytes);
  showSelfTest(opened);
  showLatency(times);
  const { task } = opened.description;
  clearAnswers(task);
  element("stage").hidden = task === "tensor";
  for (const id of ["choose", "camera", "open"]) element(id).disabled = false;
  setState("ready");
}

/** Opens the artifact that `hvit-edge demo` serves. */
async function openServed() {
  const lack = missing();
  if (lack) throw new Error(lack);
  const response = await fetch("model.pte");
  if (!response.ok) {
    throw new Error(`[web] expected model.pte, got HTTP ${response.status}; start hvit-edge demo again`);
  }
  await open(await response.arrayBuffer());
}

/** Returns the model's answer for a bitmap, which the worker takes over. */
function look(bitmap, repeat) {
  return worker.ask({ kind: "look", bitmap, repeat }, [bitmap]);
}

function show(answer, picture) {
  times = [...times, ...answer.times].slice(-MOST_FRAMES);
  showAnswer(answer, picture);
  showLatency(times);
}

/** Returns the bitmap of a photo; its pixels are those of the file, without a color profile. */
async function bitmapOf(file) {
  try {
    return await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch (error) {
    throw new Error(
      `[photo] expected a photo that the browser reads, got ${file.name}; choose a JPEG, PNG or WebP file`,
      { cause: error },
    );
  }
}

async function lookAtFile(file) {
  const bitmap = await bitmapOf(file);
  stopCamera();
  const mine = ++turn;
  setState("busy");
  showPicture(bitmap);
  times = [];
  const { width, height } = bitmap;
  const answer = await look(bitmap, true);
  if (mine !== turn) return;
  show(answer, { width, height, name: file.name });
  setState("answered");
}

/** Takes a dropped or chosen file: an artifact, or else a photo. */
async function take(file) {
  if (file.name.endsWith(".pte")) await open(await file.arrayBuffer());
  else if (element("choose").disabled) throw new Error("[photo] expected an open model, got none; open one first");
  else await lookAtFile(file);
}

function stopCamera() {
  if (!camera.runs) return;
  camera.stop();
  ++turn;
  element("camera").ariaPressed = "false";
  element("camera").textContent = "Use the camera";
}

async function runCamera() {
  if (camera.runs) {
    showPicture(await camera.frame());
    stopCamera();
    setState("answered");
    return;
  }
  await camera.start();
  const mine = ++turn;
  times = [];
  element("camera").ariaPressed = "true";
  element("camera").textContent = "Stop the camera";
  showPicture(null);
  setState("camera");
  try {
    while (mine === turn) {
      const frame = await camera.frame();
      const { width, height } = frame;
      const answer = await look(frame, false);
      if (mine !== turn) return;
      show(answer, { width, height });
      await new Promise(requestAnimationFrame);
    }
  } catch (error) {
    stopCamera();
    throw error;
  }
}

/** Connects a button with its hidden input of files. */
function pick(button, input) {
  element(button).addEventListener("click", () => element(input).click());
  element(input).addEventListener("change", () => {
    const [file] = element(input).files;
    element(input).value = "";
    if (file) attempt(() => take(file));
  });
}

function acceptDrops() {
  const mark = (over) => element("frame").classList.toggle("over", over);
  addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  addEventListener("dragleave", () => mark(false));
  addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    const [file] = event.dataTransfer.files;
    if (file) attempt(() => take(file));
  });
}

pick("choose", "photo");
pick("open", "artifact");
element("camera").addEventListener("click", () => attempt(runCamera));
acceptDrops();
attempt(openServed);
