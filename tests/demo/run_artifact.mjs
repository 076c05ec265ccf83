// Runs an artifact in the runtime of the page, without a browser:
//     node run_artifact.mjs WEB_FOLDER ARTIFACT [INPUTS OUTPUTS]
// INPUTS has all inputs as float32, OUTPUTS receives all outputs. Prints one JSON object.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, artifact, inputs, outputs] = process.argv.slice(2);
const { Engine } = await import(pathToFileURL(`${folder}/engine.js`));
const engine = await Engine.create(new WebAssembly.Module(readFileSync(`${folder}/hvit_edge.wasm`)));
try {
  const description = engine.open(new Uint8Array(readFileSync(artifact)));
  const selfTest = engine.selfTest();
  if (inputs) {
    const bytes = new Uint8Array(readFileSync(inputs));
    const answer = engine.run(new Float32Array(bytes.buffer));
    writeFileSync(outputs, new Uint8Array(answer.buffer));
  }
  console.log(JSON.stringify({ description, selfTest }));
} catch (error) {
  console.log(JSON.stringify({ error: error.message, kind: error.name }));
}
