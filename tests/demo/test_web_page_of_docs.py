"""The example of docs/web.md runs in node, with stand-ins for what a browser gives."""

import json
import re
import subprocess

import pytest
from plan_artifact import DATA

from hvit_edge.demo.site import PAGE

DOCUMENT = PAGE.parents[3] / "docs/web.md"
STAND_INS = """
import {{ readFileSync }} from "node:fs";
const files = {{ "hvit_edge.wasm": {wasm}, "model.pte": {model} }};
globalThis.fetch = async (name) =>
  new Response(readFileSync(files[name]), {{ headers: {{ "content-type": "application/wasm" }} }});
const canvas = {{ width: 40, height: 30 }};
const context = {{
  getImageData: (x, y, width, height) =>
    ({{ width, height, data: new Uint8ClampedArray(4 * width * height).fill(99) }}),
}};
"""


@pytest.mark.slow
def test_the_example(wasm, node, tmp_path):
    (example,) = re.findall(r"```js\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    names = {"wasm": str(wasm), "model": str(DATA / "native_v1.pte")}
    stand_ins = STAND_INS.format(**{name: json.dumps(path) for name, path in names.items()})
    script = tmp_path / "example.mjs"
    engine = json.dumps(str(PAGE / "engine.js"))
    script.write_text(stand_ins + example.replace('"./engine.js"', engine))
    done = subprocess.run([node, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("true\n")
    assert len(re.findall(r"label: 'class \d'", done.stdout)) == 5
