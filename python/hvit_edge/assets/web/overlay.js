// Draws masks and boxes over the picture.

const OPACITY = 0.55;
const MOST_COLORS = 12;

/** Returns the color of a class of objects; neighbors are far apart. */
export function colorOf(index) {
  return `hsl(${(360 * ((5 * index) % MOST_COLORS)) / MOST_COLORS} 90% 45%)`;
}

/** Returns true for the class that a mask leaves transparent. */
export function isBackground({ index, label }) {
  return index === 0 && (label === "background" || label === "class 0");
}

/** Writes the pixels of a mask to a canvas, which gets the size of the mask. */
export function drawMask(canvas, { width, height, classes, segments }) {
  canvas.width = width;
  canvas.height = height;
  const colors = new Uint32Array(256); // of each class, as the bytes red, green, blue, opacity
  const bytes = new Uint8Array(colors.buffer);
  for (const segment of segments) {
    const opacity = isBackground(segment) ? 0 : Math.round(255 * OPACITY);
    bytes.set([...segment.color, opacity], 4 * segment.index);
  }
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; ++i) pixels[i] = colors[classes[i]];
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Draws boxes with their labels on an empty canvas of the size of the photo. */
export function drawBoxes(canvas, { width, height }, detections) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const line = Math.max(1, Math.min(width, height) / 150);
  context.lineWidth = line;
  context.font = `600 ${Math.max(9, 6 * line)}px system-ui, sans-serif`;
  context.textBaseline = "top";
  for (const { label, index, score, bbox } of [...detections].reverse()) {
    drawBox(context, `${label} ${(100 * score).toFixed(0)} %`, colorOf(index), bbox, line);
  }
}

function drawBox(context, text, color, [x, y, width, height], line) {
  context.strokeStyle = color;
  context.strokeRect(x, y, width, height);
  const measured = context.measureText(text);
  const tall = measured.fontBoundingBoxAscent + measured.fontBoundingBoxDescent;
  const right = context.canvas.width - measured.width - 2 * line;
  const left = Math.max(0, Math.min(x, right));
  const top = Math.max(0, Math.min(y, context.canvas.height - tall));
  context.fillStyle = color;
  context.fillRect(left, top, measured.width + 2 * line, tall);
  context.fillStyle = "white";
  context.fillText(text, left + line, top);
}
