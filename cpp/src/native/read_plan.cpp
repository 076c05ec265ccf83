#include "read_plan.h"

#include <cstring>

#include "plan_reader.h"
#include "read_general.h"
#include "read_layers.h"
#include "text.h"

namespace hvit_edge::native {
namespace {

constexpr std::int64_t kHeaderWords = 9;
constexpr std::int64_t kStartWord = 7;

// As for memory that a program plans: far more than a phone gives to a process.
constexpr std::int64_t kMostMemory = std::int64_t{1} << 31;

Status refuse(const std::string& what) {
  return Status(StatusCode::invalid_artifact,
                concat("[native.load] expected a plan of version ", kVersion, ", got ", what,
                       "; compile the model again with this version of hvit-edge"));
}

Status refuse_newer(std::int64_t version) {
  return Status(
      StatusCode::invalid_artifact,
      concat("[native.load] expected a plan of version ", kVersion, " at most, got version ",
             version, "; update hvit-edge, or compile the model again with this version"));
}

Operation read_operation(PlanReader& reader) {
  const Kind kind = reader.kind();
  switch (kind) {
    case Kind::linear:
      return read_linear(reader);
    case Kind::convolution:
      return read_convolution(reader);
    case Kind::depthwise:
      return read_depthwise(reader);
    case Kind::pooling:
      return read_pooling(reader);
    case Kind::layer_norm:
      return read_layer_norm(reader);
    case Kind::attention:
      return read_attention(reader);
    case Kind::add:
      return read_add(reader);
    case Kind::mean:
      return read_mean(reader);
    case Kind::pad:
      return read_pad(reader);
    case Kind::gather:
      return read_gather(reader);
    case Kind::quantise:
      return read_quantise(reader);
    case Kind::linear_int8:
      return read_linear_int8(reader);
    case Kind::convolution_int8:
      return read_convolution_int8(reader);
    case Kind::inverted_residual:
      return read_inverted_residual(reader);
    case Kind::unary:
      return read_unary(reader);
    case Kind::binary:
      return read_binary(reader);
    case Kind::reduction:
      return read_reduction(reader);
    case Kind::softmax:
      return read_softmax(reader);
    case Kind::matmul:
      return read_matmul(reader);
    case Kind::select:
      return read_select(reader);
    case Kind::transpose:
      return read_transpose(reader);
  }
  return {};  // the reader refused the kind
}

}  // namespace

bool shares_constants(const void* data, std::size_t size) {
  if (size < kHeaderWords * sizeof(std::int64_t)) return false;
  std::int64_t start = 0;
  std::memcpy(&start, static_cast<const char*>(data) + kStartWord * sizeof(start), sizeof(start));
  return start == 0;
}

Result<Plan> read_plan(const void* data, std::size_t size, SharedConstants shared) {
  std::int64_t header[kHeaderWords];
  if (reinterpret_cast<std::uintptr_t>(data) % alignof(std::int64_t) != 0) {
    return refuse("data that is not aligned");
  }
  if (size < sizeof(header)) return refuse(concat(size, " bytes"));
  std::memcpy(header, data, sizeof(header));
  const auto [magic, version, arena, input, output, words, names, start, constants] = header;
  if (magic != kMagic && magic != kHalfMagic) return refuse("something else");
  if (version > kVersion) return refuse_newer(version);
  if (version < kOldestVersion) return refuse(concat("version ", version));
  const auto limit = static_cast<std::int64_t>(size);
  const std::int64_t first = sizeof(header);
  // The words and names end where the constants begin, or at the end if those are elsewhere.
  const bool elsewhere = start == 0;
  const bool starts = start >= 0 && start <= limit;
  const std::int64_t end = elsewhere || !starts ? limit : start;
  const std::int64_t room = elsewhere ? static_cast<std::int64_t>(shared.size) : limit - end;
  const bool fits = starts && words >= 0 && words <= limit / 8 && names >= 0 && names <= limit &&
                    first + words * 8 + names <= end && end <= limit && start % 64 == 0 &&
                    constants >= 0 && constants <= room;
  if (!fits || arena < 0 || input < 0 || output < 0 || arena > kMostBytes || input > kMostBytes ||
      output > kMostBytes) {
    return refuse("one whose parts do not fit");
  }
  if (arena > kMostMemory || input > kMostMemory || output > kMostMemory) {
    return refuse(concat("one that needs more than ", kMostMemory, " bytes of memory"));
  }
  if (elsewhere && reinterpret_cast<std::uintptr_t>(shared.data) % alignof(std::int64_t) != 0) {
    return refuse("shared constants that are not aligned");
  }
  const char* bytes = static_cast<const char*>(data);
  const char* values = elsewhere ? static_cast<const char*>(shared.data) : bytes + start;
  Plan plan;
  plan.number = magic == kHalfMagic ? Number::float16 : Number::float32;
  PlanReader reader(bytes + first, words, values, {arena, constants, input, output}, plan.number,
                    version);
  plan.arena_bytes = static_cast<std::size_t>(arena);
  plan.input_bytes = static_cast<std::size_t>(input);
  plan.output_bytes = static_cast<std::size_t>(output);
  plan.constants = values;
  const char* name = bytes + first + words * 8;
  const char* names_end = name + names;
  while (reader.ok() && !reader.at_end()) {
    plan.operations.push_back(read_operation(reader));
    const auto* end = static_cast<const char*>(
        name == names_end ? nullptr
                          : std::memchr(name, 0, static_cast<std::size_t>(names_end - name)));
    reader.require(end != nullptr, "an operation without a name");
    if (end == nullptr) break;
    plan.names.emplace_back(name);
    name = end + 1;
  }
  if (!reader.ok()) return refuse(reader.fault());
  return plan;
}

}  // namespace hvit_edge::native
