// The page's end of the worker: a promise for each message.

/** Asks worker.js; a refusal rejects with its sentence. */
export class ModelWorker {
  #worker = new Worker("worker.js", { type: "module" });
  #waiting = new Map();
  #next = 0;

  constructor() {
    this.#worker.addEventListener("message", ({ data }) => {
      const { resolve, reject } = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if (data.error === undefined) resolve(data.value);
      else reject(new Error(data.error));
    });
    this.#worker.addEventListener("error", (event) => {
      const said = event.message || "an error without a message";
      const error = new Error(
        `[web] expected a worker, got ${said}; allow workers for this page and reload it`,
      );
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  ask(message, transfer = []) {
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, ...message }, transfer);
    });
  }
}
