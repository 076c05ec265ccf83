// Reductions and softmax of rows, against plain loops in double precision.
#include "native_operators.h"

namespace hvit_edge::native::testing {
namespace {

double start_of(Reduce kind) {
  const double far = std::numeric_limits<double>::infinity();
  return kind == Reduce::maximum ? -far : (kind == Reduce::minimum ? far : 0);
}

double with_next(Reduce kind, double so_far, double x) {
  if (kind == Reduce::maximum) return std::max(so_far, x);
  if (kind == Reduce::minimum) return std::min(so_far, x);
  return so_far + (kind == Reduce::sum ? x : x * x);
}

double finished(const Reduction& reduction, double x) {
  if (reduction.kind == Reduce::maximum || reduction.kind == Reduce::minimum) return x;
  if (reduction.kind == Reduce::sum) return x * double(reduction.scale);
  x = x * double(reduction.scale) + double(reduction.eps);
  if (reduction.kind == Reduce::squares) return x;
  return reduction.kind == Reduce::root ? std::sqrt(x) : 1 / std::sqrt(x);
}

TEST(NativeReduction, ReducesColumnsAndRows) {
  Random random(13);
  for (int kind = 0; kind < kReduces; ++kind) {
    for (const bool across : {false, true}) {
      for (const std::int64_t columns : {1, 15, 16, 37}) {
        Reduction reduction;
        reduction.kind = static_cast<Reduce>(kind);
        reduction.across = across;
        reduction.scale = 0.25F;
        reduction.eps = 0.125F;
        reduction.groups = random(1, 4);
        reduction.count = random(1, 5);
        reduction.columns = columns;
        const std::int64_t rows = reduction.groups * reduction.count;
        const std::int64_t width = across ? 1 : columns;
        const Placed input = place(random, Space::input, rows, columns);
        const Placed output = place(random, Space::output, reduction.groups, width);
        Memory memory;
        memory.input = random.values(reach(input, rows, columns), 3);
        reduction.input = input.rows;
        reduction.output = output.rows;
        auto expected = nothing(output, reduction.groups, width);
        for (std::int64_t g = 0; g < reduction.groups; ++g) {
          std::vector<double> found(static_cast<std::size_t>(width), start_of(reduction.kind));
          for (std::int64_t i = g * reduction.count; i < (g + 1) * reduction.count; ++i) {
            for (std::int64_t c = 0; c < columns; ++c) {
              double& value = found[across ? 0 : c];
              value = with_next(reduction.kind, value, memory.input[input.row(i) + c]);
            }
          }
          for (std::int64_t c = 0; c < width; ++c) {
            expected[output.row(g) + c] = finished(reduction, found[c]);
          }
        }
        SCOPED_TRACE(::testing::Message() << "kind " << kind << ", across " << across);
        expect_written(reduction, memory, expected);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(NativeSoftmax, SoftensRows) {
  Random random(14);
  for (const bool log : {false, true}) {
    for (const std::int64_t columns : {1, 15, 16, 17, 100}) {
      for (const float most : {1.0F, 300.0F}) {
        const std::int64_t rows = random(1, 7);
        const Placed input = place(random, Space::input, rows, columns);
        const Placed output = place(random, Space::output, rows, columns);
        Memory memory;
        memory.input = random.values(reach(input, rows, columns), most);
        if (columns > 1) memory.input[0] = -std::numeric_limits<float>::infinity();
        const Softmax softmax{log, rows, columns, input.rows, output.rows};
        auto expected = nothing(output, rows, columns);
        for (std::int64_t i = 0; i < rows; ++i) {
          const float* row = memory.input.data() + input.row(i);
          const double largest = *std::max_element(row, row + columns);
          double sum = 0;
          for (std::int64_t c = 0; c < columns; ++c) sum += std::exp(row[c] - largest);
          for (std::int64_t c = 0; c < columns; ++c) {
            const double value = row[c] - largest - std::log(sum);
            expected[output.row(i) + c] = log ? value : std::exp(value);
          }
        }
        if (log && columns > 1) continue;  // of minus infinity, which is nearer to nothing
        SCOPED_TRACE(::testing::Message() << columns << " columns");
        expect_written(softmax, memory, expected);
        if (HasFatalFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace hvit_edge::native::testing
