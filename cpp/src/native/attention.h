// Attention of each head, whose scores never leave the cache. Included by each translation unit of
// operators.h, and nowhere else.
#pragma once

#include "activations.h"
#include "linear.h"
#include "scratch.h"

namespace {

using hvit_edge::native::Attention;
using hvit_edge::native::Heads;
using hvit_edge::native::kMostKeys;
using hvit_edge::native::kMostWidth;
using hvit_edge::native::packed_head_of;
using hvit_edge::native::packed_keys_of;

inline const Value* matrix(const Heads& heads, const Bases& bases, std::int64_t head) {
  return values_at(bases, heads.space, heads.offset) + heads.table[head];
}

#if defined(HVIT_EDGE_HALF)
constexpr float kFarBelow = -6e4f;  // less than any score
// The largest weight of a row: more is divided first, because sums would be too large.
constexpr float kMostWeight = 256.0f;
#else
constexpr float kFarBelow = -1e30f;
constexpr float kMostWeight = 1e30f;
#endif

constexpr int kRowsTogether = 8;

// Sets to[j] = rows[j][k].
inline void take_column(const Value* const (&rows)[kRowsTogether], std::int64_t k, Value* to) {
#if defined(HVIT_EDGE_HALF_LANES)
  float16x8_t column = vld1q_dup_f16(rows[0] + k);
  column = vld1q_lane_f16(rows[1] + k, column, 1);
  column = vld1q_lane_f16(rows[2] + k, column, 2);
  column = vld1q_lane_f16(rows[3] + k, column, 3);
  column = vld1q_lane_f16(rows[4] + k, column, 4);
  column = vld1q_lane_f16(rows[5] + k, column, 5);
  column = vld1q_lane_f16(rows[6] + k, column, 6);
  vst1q_f16(to, vld1q_lane_f16(rows[7] + k, column, 7));
#else
  for (int j = 0; j < kRowsTogether; ++j) to[j] = rows[j][k];
#endif
}

struct AttentionWork {
  const Attention* layer;
  const Bases* bases;
  std::int64_t key_panels, value_panels;  // of a head
  std::int64_t packed;                    // values of a head: its keys, then its values
  std::int64_t query_blocks;

  Value* packed_keys(std::int64_t head) const {
    return values_at(*bases, Space::arena, layer->scratch) + head * packed;
  }
  Value* packed_values(std::int64_t head) const {
    return packed_keys(head) + packed_keys_of(*layer);
  }
};

// Packs [keys, width] as [panels][width][16], with zeros after the last key.
inline void pack_keys(const AttentionWork& work, std::int64_t head) {
  const Attention& layer = *work.layer;
  Value* packed = work.packed_keys(head);
  for (std::int64_t token = 0; token < work.key_panels * kPanel; token += kRowsTogether) {
    const Value* rows[kRowsTogether];
    for (int j = 0; j < kRowsTogether; ++j) {
      rows[j] = token + j < layer.keys
                    ? matrix(layer.key, *work.bases, head) + (token + j) * layer.key.stride
                    : zeros();
    }
    Value* columns = packed + token / kPanel * layer.width * kPanel + token % kPanel;
    for (std::int64_t k = 0; k < layer.width; ++k) take_column(rows, k, columns + k * kPanel);
  }
}

// Packs [keys, value_width] as [panels][keys][16], with zeros after the last column.
inline void pack_values(const AttentionWork& work, std::int64_t head) {
  const Attention& layer = *work.layer;
  const Value* values = matrix(layer.value, *work.bases, head);
  Value* packed = work.packed_values(head);
  for (std::int64_t column = 0; column < work.value_panels * kPanel; column += kPanel) {
    const std::int64_t count = least(layer.value_width - column, kPanel);
    for (std::int64_t token = 0; token < layer.keys; ++token, packed += kPanel) {
      const Value* row = values + token * layer.value.stride + column;
      for (std::int64_t j = 0; j < kPanel; j += kLanes) {
        store(packed + j, j < count ? load_some(row + j, count - j) : Vector{});
      }
    }
  }
}

inline void pack_head(const void* context, std::int64_t head) {
  const auto& work = *static_cast<const AttentionWork*>(context);
  pack_keys(work, head);
  pack_values(work, head);
}

/// The scores as values, in their own memory if their lanes are values already.
template <class Scores, class Values>
struct Softened {
  alignas(64) Values values[kTileRows * kMostKeys];

  Values* of(Scores*) { return values; }
};
template <class Scores>
struct Softened<Scores, Scores> {
  Scores* of(Scores* scores) { return scores; }
};

// Replaces the first `count` scores of a row by 2^(x - max), followed by zeros; returns their sum.
inline float soften(Lane* row, Value* to, std::int64_t count, std::int64_t padded) {
  for (std::int64_t i = count; i < padded; ++i) row[i] = static_cast<Lane>(kFarBelow);
  Vector most = load(row);
  for (std::int64_t i = 0; i < padded; i += kPanel) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectorsOfPanel; ++v) most = larger(most, load(row + i + v * kLanes));
  }
  const Vector largest = all(largest_of(most));
  Vector sums{};
  for (std::int64_t i = 0; i < padded; i += kPanel) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectorsOfPanel; ++v) {
      const Vector value = exp2_of(load(row + i + v * kLanes) - largest);
      store(to + i + v * kLanes, value);
      sums += value;
    }
  }
  return sum_of(sums);
}

// Sets products[row * stride + column] for some rows and all columns of one packed matrix.
inline void multiply_all(const Value* const* pointers, int rows, std::int64_t depth,
                         const Value* packed, std::int64_t columns, Lane* products,
                         std::int64_t stride) {
  const TileInput input{pointers, 1, depth, nullptr};
  const std::int64_t panels = quotient_up(columns, kPanel);
  const bool ends_in_half = kVectorsOfPanel > 1 && panels * kPanel - columns >= kPanel / 2;
  for (std::int64_t panel = 0; panel < panels;) {
    const std::int64_t left = panels - panel;
    const bool is_half = ends_in_half && left == 1;
    const int wide = next_panels(left, kTilePanels);
    const std::int64_t tiles = kTilePanels > 1 || is_half ? 1 : left - ends_in_half;
    const Multiply multiply =
        is_half ? multiply_half_panel(rows) : multiply_tile(rows, wide, /*scattered=*/false);
    multiply(input, packed + panel * depth * kPanel, depth * kPanel, nullptr,
             TileSums{products + panel * kPanel, stride, tiles});
    panel += tiles * wide;
  }
}

inline void add_scaled_row(Lane* sums, const Value* addend, float scale, std::int64_t padded) {
  const Vector factor = all(scale);
  for (std::int64_t i = 0; i < padded; i += kLanes) {
    store(sums + i, load(sums + i) + load(addend + i) * factor);
  }
}

template <class From>
void scale_row(Value* to, const From* from, float scale, std::int64_t count) {
  const Vector factor = all(scale);
  for (std::int64_t i = 0; i < count; i += kLanes) {
    store_some(to + i, load_some(from + i, count - i) * factor, count - i);
  }
}

inline void attend_tile(const AttentionWork& work, std::int64_t head, std::int64_t first, int rows,
                        Lane* scores, Value* softened) {
  const Attention& layer = *work.layer;
  const std::int64_t padded = work.key_panels * kPanel;
  const Value* pointers[kTileRows];
  alignas(64) Value queries[kTileRows * kMostWidth];
  for (int i = 0; i < rows; ++i) {
    Value* query = queries + i * kMostWidth;
    scale_row(query, matrix(layer.query, *work.bases, head) + (first + i) * layer.query.stride,
              layer.scale * kLog2OfE, layer.width);  // so that scores are exponents of two
    pointers[i] = query;
  }
  multiply_all(pointers, rows, layer.width, work.packed_keys(head), padded, scores, padded);
  float sums[kTileRows];
  for (int i = 0; i < rows; ++i) {
    Value* row = softened + i * padded;
    pointers[i] = row;
    if (layer.bias != nullptr) {
      const Value* bias = values_of(layer.bias) + layer.bias_table[head] + (first + i) * padded;
      add_scaled_row(scores + i * padded, bias, kLog2OfE, padded);
    }
    sums[i] = soften(scores + i * padded, row, layer.keys, padded);
    if (sums[i] > kMostWeight) {
      scale_row(row, row, 1.0f / sums[i], padded);
      sums[i] = 1.0f;
    }
  }
  alignas(64) Lane outputs[kTileRows * kMostWidth];
  const std::int64_t stride = work.value_panels * kPanel;
  multiply_all(pointers, rows, layer.keys, work.packed_values(head), layer.value_width, outputs,
               stride);
  Value* output =
      values_at(*work.bases, layer.output.space, layer.output.offset) + layer.output.table[head];
  for (int i = 0; i < rows; ++i) {
    scale_row(output + (first + i) * layer.output.stride, outputs + i * stride, 1.0f / sums[i],
              layer.value_width);
  }
}

constexpr std::int64_t kQueryBlock = 8 * kTileRows;

inline void attend(const void* context, std::int64_t index) {
  const auto& work = *static_cast<const AttentionWork*>(context);
  alignas(64) Lane scores[kTileRows * kMostKeys];
  Softened<Lane, Value> softened;
  const std::int64_t head = index / work.query_blocks;
  const std::int64_t start = index % work.query_blocks * kQueryBlock;
  const std::int64_t queries = work.layer->queries;
  const std::int64_t stop = start + kQueryBlock < queries ? start + kQueryBlock : queries;
  for (std::int64_t first = start; first < stop; first += kTileRows) {
    const int rows = static_cast<int>(stop - first < kTileRows ? stop - first : kTileRows);
    attend_tile(work, head, first, rows, scores, softened.of(scores));
  }
}

inline void run(const Attention& layer, const Bases& bases) {
  AttentionWork work{
      &layer, &bases, quotient_up(layer.keys, kPanel), quotient_up(layer.value_width, kPanel),
      0,      0};
  work.packed = packed_head_of(layer);
  work.query_blocks = quotient_up(layer.queries, kQueryBlock);
  share_out(layer.heads, pack_head, &work);
  share_out(layer.heads * work.query_blocks, attend, &work);
}

}  // namespace
