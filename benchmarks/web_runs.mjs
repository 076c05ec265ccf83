// Runs an artifact in the runtime for browsers, in node: each line on stdin asks for so many runs, and
// is answered by the CPU time of one, in ms.
//     node web_runs.mjs WEB_FOLDER ARTIFACT
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, artifact] = process.argv.slice(2);
const { Engine } = await import(pathToFileURL(`${folder}/engine.js`));
const module = new WebAssembly.Module(readFileSync(`${folder}/hvit_edge.wasm`));
const engine = await Engine.create(module);
const { input_height: height, input_width: width } = engine.open(
  new Uint8Array(readFileSync(artifact)),
);
const input = new Float32Array(3 * height * width).map((_, i) => Math.sin(i));
for await (const line of createInterface({ input: process.stdin })) {
  const before = process.cpuUsage();
  for (let i = 0; i < Number(line); ++i) engine.run(input);
  console.log(process.cpuUsage(before).user / 1000 / Number(line));
}
