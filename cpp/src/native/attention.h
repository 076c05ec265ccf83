// Attention of each head, without its scores ever leaving the cache. Included by each translation
// unit of operators.h alone.
#pragma once

#include "activations.h"
#include "linear.h"

namespace {

using hvit_edge::native::Attention;
using hvit_edge::native::Heads;
using hvit_edge::native::kMostKeys;
using hvit_edge::native::kMostValueWidth;

inline const float* matrix(const Heads& heads, const Bases& bases, std::int64_t head) {
  return bases.at(heads.space, heads.offset) + heads.table[head];
}

struct AttentionWork {
  const Attention* layer;
  const Bases* bases;
  std::int64_t key_panels, value_panels;  // of a head
  std::int64_t packed;                    // values of a head: its keys, then its values
  std::int64_t query_blocks;

  float* packed_keys(std::int64_t head) const {
    return bases->at(Space::arena, layer->scratch) + head * packed;
  }
  float* packed_values(std::int64_t head) const {
    return packed_keys(head) + key_panels * layer->width * kPanel;
  }
};

// [keys, width] -> [panels][width][16], scaled, zero beyond the last key.
inline void pack_keys(const AttentionWork& work, std::int64_t head) {
  const Attention& layer = *work.layer;
  const float* keys = matrix(layer.key, *work.bases, head);
  float* packed = work.packed_keys(head);
  for (std::int64_t panel = 0; panel < work.key_panels; ++panel) {
    for (std::int64_t j = 0; j < kPanel; ++j) {
      const std::int64_t token = panel * kPanel + j;
      float* column = packed + panel * layer.width * kPanel + j;
      const float* row = keys + token * layer.key.stride;
      for (std::int64_t k = 0; k < layer.width; ++k) {
        column[k * kPanel] = token < layer.keys ? row[k] * layer.scale : 0.0f;
      }
    }
  }
}

// [keys, value_width] -> [panels][keys][16], zero beyond the last column.
inline void pack_values(const AttentionWork& work, std::int64_t head) {
  const Attention& layer = *work.layer;
  const float* values = matrix(layer.value, *work.bases, head);
  float* packed = work.packed_values(head);
  for (std::int64_t panel = 0; panel < work.value_panels; ++panel) {
    const std::int64_t column = panel * kPanel;
    const std::int64_t left = layer.value_width - column;
    for (std::int64_t token = 0; token < layer.keys; ++token, packed += kPanel) {
      const float* row = values + token * layer.value.stride + column;
      for (std::int64_t j = 0; j < kPanel; ++j) packed[j] = j < left ? row[j] : 0.0f;
    }
  }
}

inline void pack_head(const void* context, std::int64_t head) {
  const auto& work = *static_cast<const AttentionWork*>(context);
  pack_keys(work, head);
  pack_values(work, head);
}

// exp(x - max) of the first `count` of a row, which then ends in zeros; their sum.
inline float soften(float* row, std::int64_t count, std::int64_t padded) {
  for (std::int64_t i = count; i < padded; ++i) row[i] = -1e30f;
  Vector most = load(row);
  for (std::int64_t i = kLanes; i < padded; i += kLanes) most = larger(most, load(row + i));
  const Vector largest = all(largest_of(most) * kLog2OfE);
  Vector sums{};
  for (std::int64_t i = 0; i < padded; i += kLanes) {
    const Vector value = exp2_of<Accuracy::float32>(load(row + i) * kLog2OfE - largest);
    store(row + i, value);
    sums += value;
  }
  return sum_of(sums);
}

// products[row * stride + column] of some rows with all panels of one packed matrix.
inline void multiply_all(const float* const* pointers, int rows, std::int64_t depth,
                         const float* packed, std::int64_t panels, float* products,
                         std::int64_t stride) {
  const TileInput input{pointers, 1, depth, nullptr};
  for (std::int64_t panel = 0; panel < panels;) {
    const int wide = next_panels(panels - panel);
    multiply_tile(rows, wide, false)(input, packed + panel * depth * kPanel, depth * kPanel,
                                     nullptr, products + panel * kPanel, stride);
    panel += wide;
  }
}

inline void scale_row(float* to, const float* from, float scale, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kLanes) {
    store_some(to + i, load_some(from + i, count - i) * scale, count - i);
  }
}

inline void attend_tile(const AttentionWork& work, std::int64_t head, std::int64_t first, int rows,
                        float* scores) {
  const Attention& layer = *work.layer;
  const std::int64_t padded = work.key_panels * kPanel;
  const float* pointers[kTileRows];
  for (int i = 0; i < rows; ++i) {
    pointers[i] = matrix(layer.query, *work.bases, head) + (first + i) * layer.query.stride;
  }
  multiply_all(pointers, rows, layer.width, work.packed_keys(head), work.key_panels, scores,
               padded);
  float sums[kTileRows];
  for (int i = 0; i < rows; ++i) {
    pointers[i] = scores + i * padded;
    if (layer.bias != nullptr) {
      const float* bias = layer.bias + layer.bias_table[head] + (first + i) * padded;
      add_row(scores + i * padded, bias, padded);
    }
    sums[i] = soften(scores + i * padded, layer.keys, padded);
  }
  alignas(64) float outputs[kTileRows * kMostValueWidth];
  const std::int64_t stride = work.value_panels * kPanel;
  multiply_all(pointers, rows, layer.keys, work.packed_values(head), work.value_panels, outputs,
               stride);
  float* output =
      work.bases->at(layer.output.space, layer.output.offset) + layer.output.table[head];
  for (int i = 0; i < rows; ++i) {
    scale_row(output + (first + i) * layer.output.stride, outputs + i * stride, 1.0f / sums[i],
              layer.value_width);
  }
}

constexpr std::int64_t kQueryBlock = 8 * kTileRows;

inline void attend(const void* context, std::int64_t index) {
  const auto& work = *static_cast<const AttentionWork*>(context);
  alignas(64) float scores[kTileRows * kMostKeys];
  const std::int64_t head = index / work.query_blocks;
  const std::int64_t start = index % work.query_blocks * kQueryBlock;
  const std::int64_t queries = work.layer->queries;
  const std::int64_t stop = start + kQueryBlock < queries ? start + kQueryBlock : queries;
  for (std::int64_t first = start; first < stop; first += kTileRows) {
    const int rows = static_cast<int>(stop - first < kTileRows ? stop - first : kTileRows);
    attend_tile(work, head, first, rows, scores);
  }
}

inline void run(const Attention& layer, const Bases& bases) {
  AttentionWork work{
      &layer, &bases, quotient_up(layer.keys, kPanel), quotient_up(layer.value_width, kPanel),
      0,      0};
  work.packed = (work.key_panels * layer.width + work.value_panels * layer.keys) * kPanel;
  work.query_blocks = quotient_up(layer.queries, kQueryBlock);
  share_out(layer.heads, pack_head, &work);
  share_out(layer.heads * work.query_blocks, attend, &work);
}

}  // namespace
