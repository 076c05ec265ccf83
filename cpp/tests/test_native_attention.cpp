// Attention against softmax(q k^T * scale + bias) v in double precision.
#include <tuple>

#include "hvit_edge/threads.h"
#include "native_operators.h"

namespace hvit_edge::native::testing {
namespace {

struct Sizes {
  std::int64_t heads, queries, keys, width, value_width;
};

std::int64_t whole_panels(std::int64_t count) { return (count + kPanel - 1) / kPanel * kPanel; }

/// Matrices of the heads, one after another in random order, in rows with gaps.
struct PlacedHeads {
  PlacedHeads(Random& random, Space space, std::int64_t heads, std::int64_t tokens,
              std::int64_t width) {
    of.space = space;
    of.stride = width + random(0, 3);
    table = random.places(heads, tokens * of.stride);
    of.table = table.data();
    values = heads * tokens * of.stride;
  }
  std::int64_t at(std::int64_t head, std::int64_t token) const {
    return table[head] + token * of.stride;
  }

  Heads of;
  std::vector<std::int32_t> table;
  std::int64_t values = 0;
};

struct AttentionCase {
  AttentionCase(Random& random, const Sizes& given, bool biased)
      : sizes(given),
        query(random, Space::input, given.heads, given.queries, given.width),
        key(random, Space::input, given.heads, given.keys, given.width),
        value(random, Space::input, given.heads, given.keys, given.value_width),
        output(random, Space::output, given.heads, given.queries, given.value_width) {
    key.of.offset = 4 * query.values;
    value.of.offset = 4 * (query.values + key.values);
    memory.input = random.values(query.values + key.values + value.values, 2);
    layer.heads = sizes.heads;
    layer.queries = sizes.queries;
    layer.keys = sizes.keys;
    layer.width = sizes.width;
    layer.value_width = sizes.value_width;
    layer.query = query.of;
    layer.key = key.of;
    layer.value = value.of;
    layer.output = output.of;
    layer.scale = 0.3F;
    const std::int64_t padded = whole_panels(sizes.keys);
    // Earlier contents of the arena must not matter, even if they are NaN.
    memory.arena.assign(
        sizes.heads * (padded * sizes.width + whole_panels(sizes.value_width) * sizes.keys),
        std::numeric_limits<float>::quiet_NaN());
    if (!biased) return;
    biases = random.values(2 * sizes.queries * padded, 3);
    for (std::int64_t head = 0; head < sizes.heads; ++head) {
      bias_table.push_back(static_cast<std::int32_t>(random(0, 1) * sizes.queries * padded));
    }
    layer.bias = biases.data();
    layer.bias_table = bias_table.data();
  }
  AttentionCase(const AttentionCase&) = delete;

  std::vector<double> probabilities(std::int64_t head, std::int64_t m) const {
    std::vector<double> row;
    for (std::int64_t j = 0; j < sizes.keys; ++j) {
      double score = 0;
      for (std::int64_t k = 0; k < sizes.width; ++k) {
        score += double{memory.input[query.at(head, m) + k]} *
                 memory.input[query.values + key.at(head, j) + k];
      }
      score *= layer.scale;
      if (layer.bias != nullptr) {
        score += biases[bias_table[head] + m * whole_panels(sizes.keys) + j];
      }
      row.push_back(score);
    }
    const double most = *std::max_element(row.begin(), row.end());
    double sum = 0;
    for (double& score : row) sum += score = std::exp(score - most);
    for (double& score : row) score /= sum;
    return row;
  }

  std::vector<double> expected() const {
    const float* values = memory.input.data() + query.values + key.values;
    std::vector<double> all(
        static_cast<std::size_t>(*std::max_element(output.table.begin(), output.table.end()) +
                                 (sizes.queries - 1) * output.of.stride + sizes.value_width),
        kNothing);
    for (std::int64_t head = 0; head < sizes.heads; ++head) {
      for (std::int64_t m = 0; m < sizes.queries; ++m) {
        const std::vector<double> row = probabilities(head, m);
        for (std::int64_t n = 0; n < sizes.value_width; ++n) {
          double sum = 0;
          for (std::int64_t j = 0; j < sizes.keys; ++j)
            sum += row[j] * values[value.at(head, j) + n];
          all[output.at(head, m) + n] = sum;
        }
      }
    }
    return all;
  }

  Sizes sizes;
  Attention layer;
  PlacedHeads query, key, value, output;
  std::vector<float> biases;
  std::vector<std::int32_t> bias_table;
  Memory memory;
};

TEST(NativeAttention, AttendsToAnyNumberOfKeys) {
  Random random(1);
  for (const std::int64_t keys : {1, 16, 49, 197}) {
    for (const std::int64_t queries : {1, 7, 49, 101}) {
      for (const auto& [width, value_width] : {std::pair(24, 24), std::pair(5, 33)}) {
        for (const bool biased : {false, true}) {
          const AttentionCase one(random, {3, queries, keys, width, value_width}, biased);
          SCOPED_TRACE(::testing::Message() << queries << " of " << keys << ", bias " << biased);
          expect_written(one.layer, one.memory, one.expected());
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(NativeAttention, StandsScoresFarApart) {
  Random random(2);
  AttentionCase one(random, {2, 5, 40, 8, 16}, true);
  for (float& bias : one.biases) bias *= 10;
  expect_written(one.layer, one.memory, one.expected());
}

TEST(NativeAttention, TakesTheWidestHeads) {
  Random random(3);
  const AttentionCase one(random, {1, 9, 33, kMostWidth, kMostWidth}, false);
  expect_written(one.layer, one.memory, one.expected());
}

}  // namespace
}  // namespace hvit_edge::native::testing
