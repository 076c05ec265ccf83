#!/bin/sh
# coverage.sh BUILD PERCENT: prints how many lines of cpp/ were run by the tests of a tree with
# HVIT_EDGE_SANITIZE=address, which wrote BUILD/profiles; fails below PERCENT. Tests, fuzzers and system
# headers do not count. Code for other machines (NEON, Apple, Cortex-A) is not in the tree.
set -eu
build=$1
least=$2
tests=$build/cpp/tests
llvm-profdata merge -sparse "$build"/profiles/*.profraw -o "$build/tests.profdata"
llvm-cov report "$tests/hvit_edge_tests" -object "$tests/hvit_edge_stream_tests" \
	-object "$tests/hvit_edge_c_tests" -object "$tests/hvit_edge_c_memory_tests" \
	-object "$tests/hvit_edge_runner_tests" -object "$build/cpp/runner/hvit_edge_runner" \
	-object "$build/cpp/capi/libhvit_edge_c.so" -instr-profile "$build/tests.profdata" \
	-ignore-filename-regex='/cpp/(tests|fuzz)/|/executorch/|^/usr/' \
	-show-region-summary=false -show-branch-summary=false >"$build/coverage.txt"
# Columns: file, functions, missed, %, lines, missed, %.
awk -v least="$least" '
	$7 ~ /%$/ { printf "%8s %5d of %5d lines  %s\n", $7, $5 - $6, $5, $1 }
	$1 == "TOTAL" { total = $7; exact = 100 * ($5 - $6) / $5 }
	END {
		if (total == "") { print "error: expected a TOTAL in the report of llvm-cov, got none"; exit 1 }
		if (exact < least) {
			print "error: expected the tests to run " least " % of the lines of cpp/, got " total; exit 1
		}
	}' "$build/coverage.txt"
