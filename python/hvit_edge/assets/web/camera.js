// Frames of the camera as bitmaps.

const REASONS = {
  NotAllowedError: "a refusal; allow the camera for this page in the browser's settings",
  SecurityError: "a refusal; allow the camera for this page in the browser's settings",
  NotFoundError: "no camera; connect one, or choose a photo",
  OverconstrainedError: "no camera that fits; connect another one, or choose a photo",
  NotReadableError: "a camera that another program uses; close that program",
};

/** Returns a sentence for an error of getUserMedia. */
export function explained(error) {
  const reason = REASONS[error.name] ?? `${error.name}: ${error.message}; choose a photo`;
  return `[camera] expected a camera and permission to use it, got ${reason}`;
}

/** Shows the camera in a video element. */
export class Camera {
  #video;
  #stream = null;

  constructor(video) {
    this.#video = video;
  }

  get runs() {
    return this.#stream !== null;
  }

  async start(devices = navigator.mediaDevices) {
    if (devices === undefined) {
      throw new Error(
        "[camera] expected a page of this device or of https, got one without access to cameras;" +
          " open it at http://127.0.0.1",
      );
    }
    try {
      const video = { facingMode: "environment", width: { ideal: 640 }, height: { ideal: 480 } };
      this.#stream = await devices.getUserMedia({ video, audio: false });
    } catch (error) {
      throw new Error(explained(error), { cause: error });
    }
    this.#video.srcObject = this.#stream;
    await this.#video.play();
  }

  stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
  }

  /** Returns the current frame. */
  frame() {
    return createImageBitmap(this.#video);
  }
}
