# The demo of README.md.
DEMO := build/demo/mobilevit_xxs-xnnpack-fp32.pte
DEMO_MASK := build/demo/deeplabv3_mobilevit_xxs_slim-xnnpack-fp32.pte
DEMO_BOXES := build/demo/ssdlite_mobilevit_xxs-xnnpack-fp32.pte
.PHONY: demo

demo: setup ## compile small models, find classes, a mask and boxes in C++, check one against PyTorch
	@mkdir -p $(dir $(DEMO))
	$(BIN)/hvit-edge compile mobilevit_xxs --weights cifar10 --target xnnpack -o $(DEMO) --force
	$(BIN)/hvit-edge run $(DEMO) python/hvit_edge/assets/photos/chelsea.jpg
	$(BIN)/hvit-edge compile deeplabv3_mobilevit_xxs_slim --weights shapes -o $(DEMO_MASK) --force
	$(BIN)/hvit-edge run $(DEMO_MASK) python/hvit_edge/assets/shapes.jpg --draw $(DEMO_MASK:.pte=.png) --force
	$(BIN)/hvit-edge compile ssdlite_mobilevit_xxs --weights shapes -o $(DEMO_BOXES) --force
	$(BIN)/hvit-edge run $(DEMO_BOXES) python/hvit_edge/assets/shapes.jpg --draw $(DEMO_BOXES:.pte=.png) --force
	$(BIN)/hvit-edge validate $(DEMO)
