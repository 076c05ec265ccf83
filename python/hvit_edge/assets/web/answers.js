// Shows the answers of each task: classes, a mask, boxes, or the similarity of photos.
import { colorOf, drawBoxes, drawMask, isBackground } from "./overlay.js";

const element = (id) => document.getElementById(id);
const MOST_PHOTOS = 8; // that a photo is compared with
const percent = (share) => `${(100 * share).toFixed(1)} %`;

const TITLES = {
  classify: "Classes",
  segment: "Mask",
  detect: "Objects",
  embed: "Cosine similarity to earlier photos",
  tensor: "Answer",
};

let photos = []; // {name, vector}, the latest first

/** What the page says while there is no answer, and what it says for an answer without results. */
export const NOTHING = {
  classify: ["No photo yet.", ""],
  segment: ["No photo yet.", ""],
  detect: ["No photo yet.", "No object has a score above 30 %."],
  embed: ["No photo yet.", "Choose another photo: the page compares it with this one."],
  tensor: ["This model takes arrays, not photos: the page runs its self-test.", ""],
};

/** Removes what an earlier model answered. */
export function clearAnswers(task) {
  photos = [];
  element("answer-title").textContent = TITLES[task];
  element("overlay").hidden = true;
  list([], NOTHING[task][0]);
}

/** Shows an answer of the worker; `picture` is {width, height, name}, without a name for a frame. */
export function showAnswer({ task, answer }, picture) {
  list(SHOW[task](answer, picture), NOTHING[task][1]);
}

const SHOW = {
  classify(predictions) {
    return predictions.map((one) => ({ ...one, share: one.score, text: percent(one.score) }));
  },

  segment(mask) {
    drawMask(shownOverlay(), mask);
    const pixels = mask.width * mask.height;
    return mask.segments
      .map((one) => ({ ...one, score: one.area / pixels, color: `rgb(${one.color})` }))
      .sort((a, b) => b.area - a.area)
      .map((one) => ({
        ...one,
        color: isBackground(one) ? null : one.color,
        text: `${percent(one.score)} of the photo`,
      }));
  },

  detect(detections, picture) {
    drawBoxes(shownOverlay(), picture, detections);
    return detections.map((one) => ({
      ...one,
      color: colorOf(one.index),
      text: percent(one.score),
    }));
  },

  embed(vector, { name }) {
    const others = photos.map((photo, index) => {
      const score = cosine(vector, photo.vector);
      return { label: photo.name, index, score, share: Math.max(0, score), text: score.toFixed(3) };
    });
    if (name) photos = [{ name, vector }, ...photos].slice(0, MOST_PHOTOS);
    return others.sort((a, b) => b.score - a.score);
  },
};

/** Returns the cosine of the angle between two vectors; 0 if one of them has the length 0. */
export function cosine(one, other) {
  const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  const lengths = Math.sqrt(dot(one, one) * dot(other, other));
  return lengths > 0 ? dot(one, other) / lengths : 0;
}

function shownOverlay() {
  element("overlay").hidden = false;
  return element("overlay");
}

function list(items, nothing) {
  element("no-results").textContent = nothing;
  element("no-results").hidden = items.length > 0;
  element("results").replaceChildren(...items.map(itemOf));
}

/** Returns a line with a bar of the length `share`, or with a mark of a color. */
function itemOf({ label, index, score, text, share, color, bbox }) {
  const item = document.createElement("li");
  item.dataset.index = index;
  item.dataset.score = score;
  if (bbox) item.dataset.bbox = bbox.join(" ");
  const bar = document.createElement("span");
  bar.className = share === undefined ? "bar solid" : "bar";
  if (share !== undefined) bar.style.width = `${100 * share}%`;
  if (color) bar.style.background = color;
  bar.ariaHidden = "true";
  item.append(bar, part("label", label), part("score", text));
  return item;
}

function part(name, text) {
  const span = document.createElement("span");
  span.className = name;
  span.textContent = text;
  return span;
}
