// Checks what the page needs of the browser, with a sentence for each thing that it lacks.

/** A module of one function that uses a vector: it is valid only if the browser has SIMD. */
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11,
]);

const BROWSERS = "Chrome or Edge 91, Firefox 105 and Safari 16.4 have it, and so do later versions";

/** Returns why models cannot run in this page or worker, or null. */
export function missing(scope = globalThis) {
  const { WebAssembly } = scope;
  if (typeof WebAssembly !== "object" || typeof WebAssembly.validate !== "function") {
    return (
      "[web] expected WebAssembly, got a browser or a policy that denies it;" +
      ` allow WebAssembly for this page, or open it in another browser: ${BROWSERS}`
    );
  }
  if (!WebAssembly.validate(SIMD)) {
    return (
      "[web] expected the SIMD instructions of WebAssembly, got a browser or a processor without" +
      ` them; open the page in a newer browser: ${BROWSERS}`
    );
  }
  return null;
}

/** Returns why photos cannot be read in this worker, or null. */
export function missingForPhotos(scope = globalThis) {
  if (typeof scope.OffscreenCanvas === "function") return null;
  return `[web] expected OffscreenCanvas in a worker, got none; open the page in a newer browser: ${BROWSERS}`;
}
