# The sources of the runtime library, from this folder, by the builds that have them. Other build
# systems read these lists too.

# Both builds. The kernels of each instruction set need options: see CMakeLists.txt.
set(hvit_edge_shared_sources
    src/artifact/compare_outputs.cpp
    src/artifact/crc32.cpp
    src/artifact/crc32_folding.cpp
    src/artifact/field_reader.cpp
    src/artifact/golden_tensors.cpp
    src/artifact/layer_records.cpp
    src/artifact/mapped_file.cpp
    src/artifact/method_list.cpp
    src/artifact/operator_records.cpp
    src/artifact/read_metadata.cpp
    src/artifact/seal.cpp
    src/artifact/self_test.cpp
    src/classifier.cpp
    src/engine/check_inputs.cpp
    src/engine/check_methods.cpp
    src/engine/cpu_count.cpp
    src/engine/cpu_features.cpp
    src/engine/cpu_files.cpp
    src/engine/program.cpp
    src/engine/session.cpp
    src/engine/threads.cpp
    src/image/image.cpp
    src/image/pixel_kernels.cpp
    src/image/pixel_kernels_avx2.cpp
    src/image/pixel_kernels_neon.cpp
    src/image/pixel_kernels_scalar.cpp
    src/image/pixel_kernels_sse41.cpp
    src/image/pixel_rows.cpp
    src/image/preprocess.cpp
    src/image/resample.cpp
    src/image/two_passes.cpp
    src/native/arguments.cpp
    src/native/half_copies.cpp
    src/native/loaded_plan.cpp
    src/native/operators.cpp
    src/native/operators_avx2.cpp
    src/native/operators_avx512.cpp
    src/native/operators_dotprod.cpp
    src/native/operators_half_arm.cpp
    src/native/operators_half_avx2.cpp
    src/native/operators_half_avx512.cpp
    src/native/operators_half_portable.cpp
    src/native/operators_portable.cpp
    src/native/plan_reader.cpp
    src/native/read_general.cpp
    src/native/read_layers.cpp
    src/native/read_plan.cpp
    src/native/zeros.cpp
    src/softmax.cpp
    src/status.cpp
    src/stream/classify_frames.cpp
    src/stream/frame_classifier.cpp
    src/stream/frame_copy.cpp
    src/stream/frame_stream.cpp
    src/stream/frame_worker.cpp
    src/stream/smoothed_predictions.cpp
    src/tensor.cpp
    src/x86_cpu.cpp
)

# ExecuTorch, with XNNPACK and the native backend.
set(hvit_edge_full_sources
    src/executorch/backends.cpp
    src/executorch/dtypes.cpp
    src/executorch/engine.cpp
    src/executorch/explain.cpp
    src/executorch/kernels.cpp
    src/executorch/method_facts.cpp
    src/executorch/native_backend.cpp
    src/executorch/operator_events.cpp
    src/executorch/replace_pool.cpp
    src/executorch/replace_pool_apple.cpp
    src/executorch/runtime_log.cpp
    src/executorch/workers.cpp
)

# The native backend alone, with a reader of ExecuTorch's files and a thread pool of our own. They need
# C++17 and, if the system has threads, those of POSIX.
set(hvit_edge_small_sources
    src/small/container.cpp
    src/small/engine.cpp
    src/small/flat_buffer.cpp
    src/small/loaded_method.cpp
    src/small/method_facts.cpp
    src/small/operator_clock.cpp
    src/small/read_method.cpp
    src/small/stored_tensor.cpp
    src/small/thread_pool.cpp
    src/small/thread_pool_serial.cpp
    src/small/worker_cpus.cpp
    src/small/workers.cpp
)

# A page has no files and no threads: what needs them is left out, or replaced.
set(hvit_edge_left_out_of_web
    src/artifact/mapped_file.cpp
    src/engine/cpu_count.cpp
    src/stream/classify_frames.cpp
    src/stream/frame_classifier.cpp
    src/stream/frame_copy.cpp
    src/stream/frame_stream.cpp
    src/stream/frame_worker.cpp
    src/stream/smoothed_predictions.cpp
)
set(hvit_edge_web_sources
    web/no_files.cpp
    web/one_core.cpp
)
