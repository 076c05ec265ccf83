# What a release publishes, as far as one Linux machine can build it: for the Python version of .venv.
.PHONY: dist

dist: wheel arm-wheel ## source distribution and manylinux wheels, x86-64 and 64-bit Arm, in dist/
	$(TOOLS)/make_dist.sh
