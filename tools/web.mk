# The demo for browsers: the runtime in WebAssembly, compiled by zig, and a page.
WASM := python/hvit_edge/assets/web/hvit_edge.wasm
WEB_DEMO := build/demo/mobilevit_xxs-native-fp32.pte

.PHONY: wasm demo-web

wasm: $(WASM) ## compile the runtime for browsers, WebAssembly with SIMD

$(WASM): $(ZIG) $(BUILT_SOURCES) cpp/runner/json_writer.cpp tools/build_wasm.sh
	$(TOOLS)/build_wasm.sh $(ZIG)

demo-web: setup $(WASM) ## compile a small model and open the page that runs it in the browser
	@mkdir -p $(dir $(WEB_DEMO))
	$(BIN)/hvit-edge compile mobilevit_xxs --weights cifar10 --target native -o $(WEB_DEMO) --force
	$(BIN)/hvit-edge demo $(WEB_DEMO) $(DEMO_FLAGS)
