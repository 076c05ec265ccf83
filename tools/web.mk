# The demo for browsers: the runtime in WebAssembly, compiled by zig, and a page.
WASM := python/hvit_edge/assets/web/hvit_edge.wasm
WASM_ZIG := build/wasm/tools/ziglang/zig
WEB_DEMO := build/demo/mobilevit_xxs-native-fp32.pte

.PHONY: wasm demo-web

wasm: $(WASM) ## compile the runtime for browsers, WebAssembly with SIMD

$(WASM_ZIG): constraints.txt | .venv/tools
	$(PIP) install $(PIP_FLAGS) -c constraints.txt --no-deps --target build/wasm/tools ziglang
	@touch $@

$(WASM): $(WASM_ZIG) $(BUILT_SOURCES) cpp/runner/json_writer.cpp tools/build_wasm.sh
	$(TOOLS)/build_wasm.sh $(WASM_ZIG)

demo-web: setup $(WASM) ## compile a small model and open the page that runs it in the browser
	@mkdir -p $(dir $(WEB_DEMO))
	$(BIN)/hvit-edge compile mobilevit_xxs --weights cifar10 --target native -o $(WEB_DEMO) --force
	$(BIN)/hvit-edge demo $(WEB_DEMO) $(DEMO_FLAGS)
