// Calls of the C interface in any order with any arguments that the header defines: null pointers,
// capacities of all sizes, wrong sizes of structs, handles that are closed or of the other kind.
// Buffers have exactly their capacity.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "hvit_edge/c_api.h"
#include "room.h"

namespace {

using hvit_edge::fuzzing::Buffer;
using hvit_edge::fuzzing::require;
using hvit_edge::fuzzing::Room;
using hvit_edge::fuzzing::Text;

using Bytes = std::vector<std::uint8_t>;

#if defined(HVIT_EDGE_SMALL)
constexpr const char* kArtifacts[] = {"tiny_native_v1.pte", "two_outputs_native_v1.pte",
                                      "native_half_v1.pte"};
#else
constexpr const char* kArtifacts[] = {"tiny_v1.pte", "two_outputs_v1.pte", "integer_output_v1.pte"};
#endif

const Bytes& artifact(std::size_t index) {
  static const std::vector<Bytes> all = [] {
    std::vector<Bytes> read;
    for (const char* name : kArtifacts) {
      std::ifstream file(std::string(HVIT_EDGE_TEST_DATA "/") + name, std::ios::binary);
      read.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
      require(!read.back().empty());
    }
    return read;
  }();
  return all[index];
}

class Caller {
 public:
  Caller(const std::uint8_t* data, std::size_t size) : given_(data, size) {}
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  ~Caller() {
    for (hve_session*& session : sessions_) {
      require(hve_session_close(&session, nullptr) == HVE_OK && session == nullptr);
    }
    for (hve_classifier*& classifier : classifiers_) {
      require(hve_classifier_close(&classifier, nullptr) == HVE_OK && classifier == nullptr);
    }
  }

  void run() {
    constexpr int kMostCalls = 40;
    for (int i = 0; i < kMostCalls && given_.remaining_bytes() > 0; ++i) call();
  }

 private:
  void call();
  void open();
  void close();
  void ask_process();
  void ask_texts();
  void ask_numbers();
  void ask_tensors();
  void run_session();
  void self_test();
  void classify();

  bool seldom() { return given_.ConsumeIntegralInRange(0, 15) == 0; }
  int field() { return given_.ConsumeIntegralInRange(-1, 10); }
  std::size_t index() { return given_.ConsumeIntegralInRange<std::size_t>(0, 9); }
  std::size_t slot() { return given_.ConsumeIntegralInRange<std::size_t>(0, 1); }
  template <typename T>
  T* place(T& value) {
    return seldom() ? nullptr : &value;
  }
  // Adds members that this library does not know, which may be nonzero.
  template <typename T>
  Bytes resized(T value);
  hve_session* session();
  hve_classifier* classifier();
  Bytes options();
  hve_plane plane(std::vector<Buffer<std::uint8_t>>& memory);

  FuzzedDataProvider given_;
  hve_session* sessions_[2] = {nullptr, nullptr};
  hve_classifier* classifiers_[2] = {nullptr, nullptr};
};

// Handles that stay open, so that most calls have one. Handles of an input are opened and closed.
struct Lasting {
  Lasting() {
    hve_options options = HVE_OPTIONS_INIT;
    options.threads = 1;
    const Bytes& bytes = artifact(0);
    require(hve_session_open_memory(bytes.data(), bytes.size(), &options, &session, nullptr) ==
            HVE_OK);
    require(hve_classifier_open_memory(bytes.data(), bytes.size(), &options, &classifier,
                                       nullptr) == HVE_OK);
  }
  hve_session* session = nullptr;
  hve_classifier* classifier = nullptr;
};

const Lasting& lasting() {
  static const auto& handles = *new Lasting();
  return handles;
}

// Not a handle: zeros, as in freed or unwritten memory.
alignas(16) std::uint8_t g_foreign[64] = {};

hve_session* Caller::session() {
  switch (given_.ConsumeIntegralInRange(0, 15)) {
    case 0:
      return reinterpret_cast<hve_session*>(g_foreign);
    case 1:
      return reinterpret_cast<hve_session*>(classifiers_[slot()]);
    case 2:
      return reinterpret_cast<hve_session*>(g_foreign + 1);
    case 3: {
      hve_session* inner = nullptr;
      hve_classifier_session(classifiers_[slot()], &inner, nullptr);
      return inner;
    }
    case 4:
    case 5:
    case 6:
    case 7:
      return sessions_[slot()];
    default:
      return lasting().session;
  }
}

hve_classifier* Caller::classifier() {
  switch (given_.ConsumeIntegralInRange(0, 15)) {
    case 0:
      return reinterpret_cast<hve_classifier*>(g_foreign);
    case 1:
      return reinterpret_cast<hve_classifier*>(sessions_[slot()]);
    case 2:
    case 3:
      return classifiers_[slot()];
    default:
      return lasting().classifier;
  }
}

template <typename T>
Bytes Caller::resized(T value) {
  if (seldom()) value.struct_size = given_.ConsumeIntegral<std::size_t>();
  const bool longer = seldom();
  if (longer) value.struct_size = sizeof(T) + given_.ConsumeIntegralInRange<std::size_t>(0, 16);
  // The caller must have as many bytes as it says, and at least a struct.
  const std::size_t most = 5000;
  Bytes bytes(std::clamp<std::size_t>(value.struct_size, sizeof(T), most));
  std::memcpy(bytes.data(), &value, sizeof(T));
  if (longer && bytes.size() > sizeof(T)) bytes.back() = given_.ConsumeIntegral<std::uint8_t>();
  return bytes;
}

template <typename T>
T* as(Bytes& bytes) {
  return reinterpret_cast<T*>(bytes.data());
}

Bytes Caller::options() {
  hve_options options = HVE_OPTIONS_INIT;
  options.threads = seldom() ? given_.ConsumeIntegral<std::int32_t>() : 1;
  // Uses few threads, or so many that they are refused.
  if (options.threads > 2) options.threads |= 1 << 20;
  options.prepare_later = given_.ConsumeIntegralInRange(0, 15) == 0 ? 2 : 1;
  options.memory = seldom() ? given_.ConsumeIntegralInRange(-1, 2) : HVE_MEMORY_COPY;
  options.reserved = seldom() ? 1 : 0;
  options.method = seldom() ? "24x32" : nullptr;
  return resized(options);
}

void Caller::open() {
  Text error(given_);
  Bytes choice = options();
  const Bytes& whole = artifact(given_.ConsumeIntegralInRange<std::size_t>(0, 2));
  const std::size_t size =
      seldom() ? given_.ConsumeIntegralInRange<std::size_t>(0, whole.size()) : whole.size();
  const Buffer<std::uint8_t> memory(size);
  if (size > 0) std::memcpy(memory.data(), whole.data(), size);
  // Borrowed memory would have to outlive the handle.
  const bool borrowed = as<hve_options>(choice)->memory == HVE_MEMORY_BORROW;
  const void* data = borrowed ? whole.data() : memory.data();
  const bool nowhere = seldom();
  const std::size_t at = slot();
  if (given_.ConsumeBool()) {
    hve_session_close(&sessions_[at], nullptr);
    const hve_status status = hve_session_open_memory(data, size, as<hve_options>(choice),
                                                      nowhere ? nullptr : &sessions_[at], error);
    error.check_error(status);
    if (!nowhere) require((sessions_[at] != nullptr) == (status == HVE_OK));
  } else {
    hve_classifier_close(&classifiers_[at], nullptr);
    const hve_status status = hve_classifier_open_memory(
        data, size, as<hve_options>(choice), nowhere ? nullptr : &classifiers_[at], error);
    error.check_error(status);
    if (!nowhere) require((classifiers_[at] != nullptr) == (status == HVE_OK));
  }
}

void Caller::close() {
  Text error(given_);
  if (given_.ConsumeBool()) {
    hve_session* given = session();
    if (given == lasting().session) return;
    const bool own = given != nullptr && (given == sessions_[0] || given == sessions_[1]);
    hve_session*& handle = own ? sessions_[given == sessions_[1] ? 1 : 0] : given;
    const bool empty = handle == nullptr;
    const hve_status status = hve_session_close(&handle, error);
    error.check_error(status);
    require((status == HVE_OK) == (own || empty));
  } else {
    hve_classifier*& handle = classifiers_[slot()];
    const hve_status status = hve_classifier_close(seldom() ? nullptr : &handle, error);
    error.check_error(status);
    require(status == HVE_OK);
  }
}

void Caller::ask_process() {
  Text error(given_);
  std::size_t count = 0;
  error.check_error(hve_backend_count(place(count), error));
  Text name(given_);
  Text second(given_);
  const hve_status status = hve_backend_name(index(), name, second);
  second.check_error(status);
  name.check_value(status);
  require(std::strlen(hve_status_name(given_.ConsumeIntegral<std::int32_t>())) > 0);
  require(hve_threads() >= 1 && hve_auto_threads() >= 1);
  Text third(given_);
  const auto threads = given_.ConsumeIntegralInRange(-2, 3);
  third.check_error(hve_set_threads(threads < 3 ? threads : 1025, third));
}

void Caller::ask_texts() {
  Text value(given_);
  Text error(given_);
  hve_session* of = session();
  const hve_status status = given_.ConsumeBool()
                                ? hve_session_text(of, field(), value, error)
                                : hve_session_list_text(of, field(), index(), value, error);
  error.check_error(status);
  value.check_value(status);
}

void Caller::ask_numbers() {
  Text error(given_);
  std::int64_t integer = 0;
  error.check_error(hve_session_integer(session(), field(), place(integer), error));
  Text second(given_);
  std::size_t count = 99;
  second.check_error(hve_session_list_count(session(), field(), place(count), second));
  Text third(given_);
  const Room<double> room(given_);
  std::size_t written = 0;
  const hve_status status =
      hve_session_numbers(session(), field(), room.data(), room.capacity, place(written), third);
  third.check_error(status);
  room.check(status, written);
}

void Caller::ask_tensors() {
  Text error(given_);
  std::size_t count = 99;
  error.check_error(hve_session_tensor_count(session(), given_.ConsumeIntegralInRange(-1, 2),
                                             place(count), error));
  Text second(given_);
  std::int32_t dtype = 0;
  second.check_error(hve_session_tensor_dtype(session(), given_.ConsumeIntegralInRange(-1, 2),
                                              index(), place(dtype), second));
  Text third(given_);
  const Room<std::int64_t> room(given_, 5);
  std::size_t rank = 0;
  const hve_status status =
      hve_session_tensor_shape(session(), given_.ConsumeIntegralInRange(-1, 2), index(),
                               room.data(), room.capacity, place(rank), third);
  third.check_error(status);
  room.check(status, rank);
}

void Caller::run_session() {
  constexpr std::size_t kInput = 3 * 32 * 24;  // the input size of the tests' artifacts
  Text error(given_);
  std::vector<Buffer<float>> memory;
  hve_input inputs[2];
  for (hve_input& input : inputs) {
    input.count = seldom() ? given_.ConsumeIntegralInRange<std::size_t>(0, kInput) : kInput;
    memory.emplace_back(input.count);
    input.data = seldom() ? nullptr : memory.back().data();
    std::fill_n(memory.back().data(), input.count, seldom() ? NAN : 0.25F);
  }
  hve_output outputs[3];
  for (hve_output& output : outputs) {
    output = {nullptr, given_.ConsumeIntegralInRange<std::size_t>(0, 12), 55};
    memory.emplace_back(output.capacity);
    output.data = seldom() ? nullptr : memory.back().data();
  }
  const auto output_count = given_.ConsumeIntegralInRange<std::size_t>(0, 3);
  const hve_status status = hve_session_run(session(), seldom() ? nullptr : inputs,
                                            given_.ConsumeIntegralInRange<std::size_t>(0, 2),
                                            seldom() ? nullptr : outputs, output_count, error);
  error.check_error(status);
  for (std::size_t i = 0; status == HVE_OK && i < output_count; ++i) {
    require(outputs[i].count > 0 && outputs[i].count <= outputs[i].capacity);
    for (std::size_t k = 0; k < outputs[i].count; ++k) require(std::isfinite(outputs[i].data[k]));
  }
}

void Caller::self_test() {
  Text error(given_);
  hve_self_test_result init = HVE_SELF_TEST_RESULT_INIT;
  Bytes result = resized(init);
  const hve_status status = hve_session_self_test(
      session(), seldom() ? nullptr : as<hve_self_test_result>(result), error);
  error.check_error(status);
  if (status == HVE_OK) require(std::isfinite(as<hve_self_test_result>(result)->max_abs));
}

hve_plane Caller::plane(std::vector<Buffer<std::uint8_t>>& memory) {
  const auto size = given_.ConsumeIntegralInRange<std::size_t>(0, 6000);
  memory.emplace_back(size);
  hve_plane plane = {memory.back().data(), size, 0, 0};
  if (given_.ConsumeBool()) plane.row_stride = given_.ConsumeIntegralInRange<std::size_t>(0, 200);
  if (seldom()) plane.row_stride = given_.ConsumeIntegral<std::size_t>();
  if (seldom()) plane.pixel_stride = given_.ConsumeIntegralInRange<std::size_t>(0, 5);
  if (seldom()) plane.pixel_stride = given_.ConsumeIntegral<std::size_t>();
  return plane;
}

void Caller::classify() {
  Text error(given_);
  hve_image image = HVE_IMAGE_INIT;
  image.format = given_.ConsumeIntegralInRange(-1, 7);
  image.width = given_.ConsumeIntegralInRange(1, 40);
  image.height = given_.ConsumeIntegralInRange(1, 40);
  if (seldom()) image.width = given_.ConsumeIntegral<std::int32_t>();
  if (seldom()) image.height = given_.ConsumeIntegral<std::int32_t>();
  image.rotation = given_.ConsumeIntegralInRange(0, seldom() ? 4 : 3) * 90;
  image.mirror = given_.ConsumeIntegralInRange(0, seldom() ? 2 : 1);
  const bool yuv = image.format >= HVE_FORMAT_NV12;
  if (yuv || seldom()) image.color = given_.ConsumeIntegralInRange(-1, 5);
  std::vector<Buffer<std::uint8_t>> memory;
  const int planes = image.format == HVE_FORMAT_I420 ? 3 : yuv ? 2 : 1;
  const int wanted = seldom() ? given_.ConsumeIntegralInRange(0, 3) : planes;
  for (int i = 0; i < wanted; ++i) image.planes[i] = plane(memory);
  Bytes bytes = resized(image);
  const hve_image* given = seldom() ? nullptr : as<hve_image>(bytes);
  std::size_t count = 0;
  if (given_.ConsumeBool()) {
    const Room<float> room(given_, 20);
    const hve_status status =
        hve_classifier_logits(classifier(), given, room.data(), room.capacity, place(count), error);
    error.check_error(status);
    room.check(status, count);
    return;
  }
  const Room<hve_prediction> room(given_, 20);
  const hve_status status =
      hve_classifier_classify(classifier(), given, given_.ConsumeIntegralInRange(-1, 9),
                              room.data(), room.capacity, place(count), error);
  error.check_error(status);
  room.check(status, count);
  for (std::size_t i = 0; status == HVE_OK && room.data() != nullptr && i < count; ++i) {
    const hve_prediction& prediction = room.data()[i];
    require(std::strlen(prediction.label) == prediction.label_size);
    require(prediction.score >= 0 && prediction.score <= 1);
  }
}

void Caller::call() {
  using Method = void (Caller::*)();
  static constexpr Method kMethods[] = {
      &Caller::open,        &Caller::close,       &Caller::ask_process,
      &Caller::ask_texts,   &Caller::ask_numbers, &Caller::ask_tensors,
      &Caller::run_session, &Caller::self_test,   &Caller::classify};
  (this->*given_.PickValueInArray(kMethods))();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Caller(data, size).run();
  return 0;
}
