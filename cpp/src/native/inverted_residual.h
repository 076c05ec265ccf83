// Linear layer, depthwise convolution, linear layer: row by row of the map. Included by each
// translation unit of operators.h, and nowhere else.
#pragma once

#include "depthwise.h"
#include "int8.h"
#include "scratch.h"

namespace {

using hvit_edge::native::AnyLinear;
using hvit_edge::native::InvertedResidual;
using hvit_edge::native::Rows;
using hvit_edge::native::scratch_of;
using hvit_edge::native::ScratchOfJob;

/// The data of one job: copies of the layers that read and write the job's memory.
struct RowByRow {
  const Bases* bases;
  AnyLinear expand, project;
  Depthwise depthwise;
  std::int64_t ring, row;  // bytes into the arena
  std::int64_t made = 0;   // rows of the map that have been in the ring
};

// Returns rows such that the row with number `first` is at `offset`.
inline Rows rows_from(std::int64_t first, std::int64_t offset, std::int64_t stride) {
  return {Space::arena, offset - first * stride * kValueBytes, stride, nullptr};
}

template <class Layer>
void multiply_rows_between(const Layer& layer, const Bases& bases, std::int64_t start,
                           std::int64_t stop) {
  multiply_between(products_of(layer, bases), start, stop, 0, quotient_up(layer.columns, kPanel));
}

inline void expand_row(RowByRow& work, std::int64_t y) {
  const Window& window = work.depthwise.window;
  const std::int64_t first = y * window.width;
  work.expand.epilogue().output = rows_from(
      first, work.ring + y % window.ring * window.row_stride * kValueBytes, window.pixel_stride);
  const std::int64_t end = first + window.width;
  if (work.expand.is_int8) {
    multiply_rows_between(work.expand.in_int8, *work.bases, first, end);
  } else {
    multiply_rows_between(work.expand.in_float, *work.bases, first, end);
  }
}

// Computes the row `oy` of the depthwise convolution; its input rows must be in the ring.
inline void convolve_one(RowByRow& work, std::int64_t oy, bool adds_input) {
  const Window& window = work.depthwise.window;
  Epilogue& epilogue = work.depthwise.epilogue;
  const std::int64_t first = oy * window.out_width;
  epilogue.output = rows_from(first, work.row, window.channels);
  if (adds_input) {
    epilogue.residual = rows_from(
        first, work.ring + oy % window.ring * window.row_stride * kValueBytes, window.pixel_stride);
  }
#if defined(HVIT_EDGE_BORROWS_DEPTHWISE)
  hvit_edge::native::convolve_row_portable(work.depthwise, *work.bases, work.project.is_int8, oy);
#else
  const Accuracy accuracy = work.project.is_int8 ? Accuracy::codes : Accuracy::float32;
  const DepthwiseWork one{&work.depthwise, work.bases, accuracy};
  convolve_row(&one, oy);
#endif
}

inline void project_row(RowByRow& work, std::int64_t oy) {
  const Window& window = work.depthwise.window;
  const std::int64_t first = oy * window.out_width, count = window.out_width;
  if (!work.project.is_int8) {
    work.project.in_float.input = rows_from(first, work.row, window.channels);
    multiply_rows_between(work.project.in_float, *work.bases, first, first + count);
    return;
  }
  LinearInt8 layer = work.project.in_int8;  // offsets for this job, then for this row
  const std::int64_t row_bytes = code_bytes(layer.depth);
  const Value* values = values_at(*work.bases, Space::arena, work.row);
  auto* ranges = reinterpret_cast<Range*>(work.bases->at(Space::arena, layer.ranges));
  for (std::int64_t i = 0; i < count; ++i) {
    quantise_row(values + i * layer.depth, layer.depth, ranges[i],
                 bytes_at(*work.bases, layer.codes) + i * row_bytes);
  }
  layer.codes -= first * row_bytes;
  layer.ranges -= first * static_cast<std::int64_t>(sizeof(Range));
  multiply_rows_between(layer, *work.bases, first, first + count);
}

struct InvertedWork {
  const InvertedResidual* layer;
  const Bases* bases;
  std::int64_t jobs;
};

inline void run_job(const void* context, std::int64_t job) {
  const auto& all_work = *static_cast<const InvertedWork*>(context);
  const InvertedResidual& layer = *all_work.layer;
  const ScratchOfJob scratch = scratch_of(layer, kValueBytes);
  const std::int64_t base = layer.scratch + job * scratch.bytes;
  RowByRow work{all_work.bases,  layer.expand,        layer.project,
                layer.depthwise, base + scratch.ring, base + scratch.row};
  Window& window = work.depthwise.window;
  window.space = Space::arena;
  window.offset = work.ring;
  work.project.in_int8.codes = base + scratch.codes;
  work.project.in_int8.ranges = base + scratch.ranges;
  const std::int64_t first = window.out_height * job / all_work.jobs;
  const std::int64_t last = window.out_height * (job + 1) / all_work.jobs;
  const std::int64_t top = first * window.stride_height - window.pad_height;
  work.made = top < 0 ? 0 : top;
  for (std::int64_t oy = first; oy < last; ++oy) {
    const std::int64_t below = oy * window.stride_height - window.pad_height + window.kernel_height;
    const std::int64_t needed = least(below, window.height);
    for (; work.made < needed; ++work.made) expand_row(work, work.made);
    convolve_one(work, oy, layer.adds_input);
    project_row(work, oy);
  }
}

// Returns the number of parts that a map is cut into. A part also computes the rows of the wide map
// that it shares with its neighbors, so there are two parts for each worker only if they are high.
inline std::int64_t jobs_of(const Window& window, std::int64_t workers) {
  constexpr std::int64_t kRowsForEachShared = 4;
  const std::int64_t shared = window.kernel_height - window.stride_height;
  const std::int64_t rows = window.out_height * window.stride_height / (2 * workers);
  return rows >= kRowsForEachShared * shared ? 2 * workers : workers;
}

inline void run(const InvertedResidual& layer, const Bases& bases) {
  const std::int64_t workers = worker_count();
  const Window& window = layer.depthwise.window;
  const std::int64_t wanted = workers == 1 ? 1 : jobs_of(window, workers);
  const InvertedWork work{&layer, &bases, least(least(wanted, layer.jobs), window.out_height)};
  share_out(work.jobs, run_job, &work);
}

}  // namespace
