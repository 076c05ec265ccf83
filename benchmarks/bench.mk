# The peers that hvit-edge is compared with; a file in benchmarks/peers lists what each needs.
BENCH_FLAGS ?=
BENCH := build/peers
PEERS := build/arm-peers

.PHONY: bench bench-peers arm-peers

arm-peers: $(PEERS)/venv/built $(PEERS)/hvit_edge_guest_python ## LiteRT and ONNX Runtime for aarch64

$(PEERS)/hvit_edge_guest_python: tools/build_peer_guest.sh benchmarks/peers/guest-requirements.txt \
		benchmarks/peers/cpuinfo benchmarks/peers/guest_python.cpp \
		$(wildcard cpp/runner/count_markers.*) | .venv/created
	$(TOOLS)/build_peer_guest.sh $(PEERS)

bench: setup bench-peers ## time six models beside every peer; BENCH_FLAGS='--models swin_t' for a part
	$(BIN)/python benchmarks/against_peers.py $(BENCH_FLAGS)
	$(BIN)/python benchmarks/readme_tables.py

bench-peers: $(PEERS)/venv/built $(BENCH)/openvino/built $(BENCH)/ncnn/built ## environments of the peers

$(PEERS)/venv/built: benchmarks/peers/requirements.txt
$(BENCH)/openvino/built: benchmarks/peers/openvino.txt
$(BENCH)/ncnn/built: benchmarks/peers/ncnn.txt
$(PEERS)/venv/built $(BENCH)/openvino/built $(BENCH)/ncnn/built:
	@rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install $(PIP_FLAGS) -r $<
	@touch $@
