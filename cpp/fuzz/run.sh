#!/bin/sh
# run.sh BUILD FOLDER SECONDS SEED: runs every fuzzer that BUILD has for so many seconds, all at once, from
# the corpora next to this script. FOLDER gets the findings NAME-crash-..., NAME-timeout-..., NAME-oom-...; NAME.log;
# and NAME/ with inputs that reached new code, where the next run begins.
set -eu
here=$(dirname "$0")
build=$1
folder=$2
seconds=$3
seed=$4
export LLVM_PROFILE_FILE=/dev/null

# fuzz NAME BYTES [CORPUS]: tries inputs of at most so many bytes. Prints a line, and the log of a failure.
fuzz() {
	name=$1
	longest=$2
	shift 2
	log=$folder/$name.log
	mkdir -p "$folder/$name"
	if "$build/cpp/fuzz/fuzz_$name" "$folder/$name" "$here/corpus/$name" "$@" -seed="$seed" \
		-max_total_time="$seconds" -max_len="$longest" -timeout=20 -rss_limit_mb=2048 \
		-artifact_prefix="$folder/$name-" >"$log" 2>&1; then
		echo "fuzz_$name: $(tail -n 1 "$log"), none failed"
	else
		echo "error: fuzz_$name failed; $log has it all, the last of it:"
		tail -n 60 "$log"
		return 1
	fi
}

fuzz artifact 40000 "$here/../tests/data" &
processes=$!
fuzz preprocess 512 &
processes="$processes $!"
fuzz c_api 1024 &
processes="$processes $!"
fuzz tasks 128 &
processes="$processes $!"
fuzz native_plan 8192 &
processes="$processes $!"
if [ -e "$build/cpp/fuzz/fuzz_container" ]; then # of the runtime without ExecuTorch
	fuzz container 16384 "$here/../tests/data" &
	processes="$processes $!"
fi
failed=0
for process in $processes; do wait "$process" || failed=1; done
exit $failed
