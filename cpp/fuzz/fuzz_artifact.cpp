// Artifacts of arbitrary bytes: loading refuses them with a reason, or returns a session with
// metadata. The mutator seals what it made, so that the fuzzer gets past the checksum. Inputs are
// complete files, as a session reads them.
//
// HVIT_EDGE_FUZZ_RUN=1 also prepares and runs the models. Models that were tampered with then end
// the process inside ExecuTorch's delegate, which trusts its part of the file: see
// docs/embedding.md.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "artifact/crc32.h"
#include "hvit_edge/classifier.h"
#include "hvit_edge/session.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

using hvit_edge::Classifier;
using hvit_edge::Result;
using hvit_edge::Session;
using hvit_edge::SessionOptions;
using hvit_edge::Status;
using hvit_edge::StatusCode;
using hvit_edge::TensorView;

constexpr std::size_t kSealSize = 32;
constexpr std::size_t kAlignment = 16;
constexpr std::int64_t kMostNumbers = 1 << 22;  // the most numbers of a model's input here

void require(bool holds) {
  if (!holds) std::abort();
}

// A refusal must have a reason other than "please report this".
bool accepted(const Status& status) {
  if (status.ok()) return true;
  require(status.code() != StatusCode::internal);
  require(!status.message().empty() && status.message()[0] == '[');
  return false;
}

template <typename Integer>
void put(std::uint8_t* bytes, Integer value) {
  for (std::size_t i = 0; i < sizeof(value); ++i) {
    bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
}

// Seals a file as docs/artifact.md says.
void seal(std::uint8_t* file, std::size_t program) {
  std::uint8_t* bytes = file + program;
  std::memset(bytes, 0, kSealSize);
  std::memcpy(bytes, "HVITEDGE", 8);
  put<std::uint32_t>(bytes + 8, 1);
  put<std::uint32_t>(bytes + 12, hvit_edge::crc32(file, program));
  put<std::uint64_t>(bytes + 16, program);
}

// Memory of exactly the file's size, aligned, so that a sanitizer sees reads beyond it.
struct FreeMemory {
  void operator()(std::uint8_t* memory) const { std::free(memory); }
};
std::unique_ptr<std::uint8_t, FreeMemory> copy(const std::uint8_t* data, std::size_t size) {
  void* memory = nullptr;
  if (posix_memalign(&memory, kAlignment, size) != 0) throw std::bad_alloc();
  std::memcpy(memory, data, size);
  return std::unique_ptr<std::uint8_t, FreeMemory>(static_cast<std::uint8_t*>(memory));
}

void check_metadata(const Session& session) {
  const hvit_edge::Metadata& metadata = session.metadata();
  if (metadata.task == hvit_edge::kTensorTask) {
    for (const auto* specs : {&session.inputs(), &session.outputs()}) {
      for (const hvit_edge::TensorSpec& spec : *specs) require(!spec.name.empty());
    }
    return;
  }
  require(validate(metadata.preprocess).ok());
  require(session.inputs().size() == 1);
  require(metadata.labels.empty() || session.outputs().empty() ||
          session.outputs()[0].shape.back() == static_cast<int>(metadata.labels.size()));
}

void run(Session& session) {
  std::vector<std::vector<float>> arrays;
  std::vector<TensorView> inputs;
  for (const hvit_edge::TensorSpec& wanted : session.inputs()) {
    if (wanted.numel() > kMostNumbers) return;
    const bool is_float = wanted.dtype == hvit_edge::DType::float32;
    // Twice as many floats have room for int64.
    arrays.emplace_back(2 * static_cast<std::size_t>(wanted.numel()) + 1, is_float ? 0.5F : 0.0F);
    inputs.push_back({arrays.back().data(), wanted.shape, wanted.dtype});
  }
  const Result<std::vector<TensorView>> outputs = session.run(inputs);
  if (!accepted(outputs.status())) return;
  for (const TensorView& view : *outputs) {
    const std::size_t bytes = static_cast<std::size_t>(view.numel()) * element_size(view.dtype);
    if (bytes == 0) continue;
    const std::vector<std::uint8_t> all(static_cast<const std::uint8_t*>(view.data),
                                        static_cast<const std::uint8_t*>(view.data) + bytes);
    require(all.size() == bytes);
  }
  accepted(session.self_test().status());
}

void classify(Session session, bool runs) {
  Result<Classifier> classifier = Classifier::create(std::move(session));
  if (!accepted(classifier.status())) return;
  require(classifier->num_classes() > 0);
  if (!runs) return;
  const std::uint8_t pixels[2 * 2 * 3] = {0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110};
  hvit_edge::ImageView image;
  image.data = pixels;
  image.width = image.height = 2;
  const auto predictions = classifier->classify(image, 3);
  if (!accepted(predictions.status())) return;
  for (const hvit_edge::Prediction& prediction : *predictions) {
    require(prediction.score >= 0 && prediction.score <= 1);
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned int seed) {
  if (most <= 2 * kSealSize) return LLVMFuzzerMutate(data, size, most);
  constexpr unsigned int kLeftOpen = 32;  // one in so many is left as mutated
  if (seed % kLeftOpen == 0) return LLVMFuzzerMutate(data, size, most);
  const std::size_t body = size > kSealSize ? size - kSealSize : size;
  const std::size_t mutated = LLVMFuzzerMutate(data, body, most - kSealSize);
  seal(data, mutated);
  return mutated + kSealSize;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = copy(data, size);
  SessionOptions options;
  options.threads = 1;
  options.prepare = false;
  Result<Session> session = Session::load(file.get(), size, options);
  if (!accepted(session.status())) return 0;
  check_metadata(*session);
  static const bool runs = std::getenv("HVIT_EDGE_FUZZ_RUN") != nullptr;
  if (runs) run(*session);
  classify(std::move(session).value(), runs);
  return 0;
}
