// What the runtime without ExecuTorch loads and refuses. The files are altered and sealed again:
// everything that is written in a file may be wrong.
#include <gtest/gtest.h>

#include <cmath>

#include "altered.h"
#include "small/loaded_method.h"

namespace hvit_edge::small {
namespace {

using testing::bytes_of;
using testing::read_file;

std::vector<std::uint8_t> program_of(const std::string& name) {
  std::vector<std::uint8_t> bytes = read_file(std::string(HVIT_EDGE_TEST_DATA) + "/" + name);
  bytes.resize(bytes.size() - 32);
  return bytes;
}

/// The container of a file, whose bytes it keeps.
struct Opened {
  explicit Opened(std::string name) : bytes(program_of(name)) {
    auto read = read_container(bytes.data(), bytes.size());
    EXPECT_TRUE(read.ok()) << read.status().message();
    container = std::move(read).value();
    for (Method& method : container.methods) {
      if (method.name == "forward") forward = &method;
    }
  }

  StoredTensor& tensor(std::size_t index) { return std::get<StoredTensor>(forward->values[index]); }
  Status load() { return LoadedMethod::load(container, *forward).status(); }
  void expect_refused(StatusCode code, const std::string& part) {
    const Status status = load();
    EXPECT_EQ(status.code(), code);
    EXPECT_NE(status.message().find(part), std::string::npos) << status.message();
  }

  std::vector<std::uint8_t> bytes;
  Container container;
  Method* forward = nullptr;
};

TEST(LoadedMethod, NamesTheBackendThatIsMissingAndTheTarget) {
  const Result<Session> session = Session::load(std::string(HVIT_EDGE_TEST_DATA) + "/tiny_v1.pte");
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.status().code(), StatusCode::missing_backend);
  EXPECT_EQ(session.status().message(),
            "[Session.load] expected the backend XnnpackBackend, got a runtime without it; compile "
            "the model for the target native, or link the full runtime");
}

TEST(LoadedMethod, NamesEveryOperatorOutsideOnce) {
  const Result<Session> session =
      Session::load(std::string(HVIT_EDGE_TEST_DATA) + "/portable_v1.pte");
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.status().code(), StatusCode::missing_backend);
  EXPECT_EQ(session.status().message(),
            "[Session.load] expected no operator outside the native delegate, got "
            "aten::convolution.out, aten::relu.out, aten::mean.out, aten::permute_copy.out, "
            "aten::addmm.out; compile the model for the target native, or link the full runtime");
  Opened jumps("tiny_native_v1.pte");
  jumps.forward->instructions.push_back({});
  jumps.expect_refused(StatusCode::missing_backend, "got control flow; compile");
}

TEST(LoadedMethod, DescribesArtifactsThatItCannotRun) {
  SessionOptions later;
  later.prepare = false;
  for (const char* name : {"tiny_v1.pte", "portable_v1.pte", "integer_output_v1.pte"}) {
    const Result<Session> session =
        Session::load(std::string(HVIT_EDGE_TEST_DATA) + "/" + name, later);
    ASSERT_TRUE(session.ok()) << session.status().message();
    EXPECT_EQ(session->metadata().model_name, "tiny");
  }
}

TEST(LoadedMethod, RunsAndKeepsItsMemory) {
  Opened opened("tiny_native_v1.pte");
  auto loaded = LoadedMethod::load(opened.container, *opened.forward);
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  std::vector<float> input(3 * 32 * 24);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = std::sin(0.1F * i);
  const TensorView view{input.data(), {1, 3, 32, 24}, DType::float32};
  std::vector<OperatorTime> times;
  const auto first = (*loaded)->run({view}, &times);
  ASSERT_TRUE(first.ok());
  ASSERT_EQ(first->size(), 1U);
  EXPECT_EQ((*first)[0].shape, (std::vector<std::int64_t>{1, 7}));
  const auto* values = static_cast<const float*>((*first)[0].data);
  const std::vector<float> before(values, values + 7);
  ASSERT_EQ(times.size(), 4U);
  EXPECT_EQ(times[3].name, "Linear head");
  const auto second = (*loaded)->run({view}, nullptr);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ((*second)[0].data, (*first)[0].data);
  EXPECT_EQ(std::vector<float>(values, values + 7), before);
}

TEST(LoadedMethod, RefusesTensorsOutsideOfPlannedMemory) {
  const char* beyond = "expected tensors within the planned memory, got one beyond it";
  Opened far("tiny_native_v1.pte");
  far.tensor(0).offset = std::uint64_t{1} << 40;
  far.expect_refused(StatusCode::invalid_artifact, beyond);
  Opened end("tiny_native_v1.pte");
  end.tensor(1).offset = static_cast<std::uint64_t>(end.forward->planned[0]) - 24;  // of 28 bytes
  end.expect_refused(StatusCode::invalid_artifact, beyond);
  end.tensor(1).offset -= 4;
  EXPECT_TRUE(end.load().ok());
  end.tensor(1).offset -= 2;  // no address of a float32
  end.expect_refused(StatusCode::invalid_artifact, beyond);
  for (const std::uint32_t memory : {0U, 2U, 0xFFFFFFFFU}) {
    Opened other("tiny_native_v1.pte");
    other.tensor(1).memory = memory;
    other.expect_refused(StatusCode::invalid_artifact, beyond);
  }
  Opened wraps("tiny_native_v1.pte");
  wraps.tensor(0).offset = ~std::uint64_t{0} - 3;
  wraps.expect_refused(StatusCode::invalid_artifact, beyond);
}

// Found by fuzz_container: an empty tensor fits into no memory at all.
TEST(LoadedMethod, RefusesEmptyTensorsInMemoryThatIsNotPlanned) {
  for (const std::uint32_t memory : {0U, 2U, 0xFFFFFFFFU}) {
    Opened opened("tiny_native_v1.pte");
    opened.tensor(0).spec.shape = {1, 0};
    opened.tensor(0).offset = 0;
    opened.tensor(0).memory = memory;
    opened.expect_refused(StatusCode::invalid_artifact,
                          "expected tensors within the planned memory, got one beyond it");
  }
}

// Found by fuzz_container: a file of some kilobytes asked for gigabytes.
TEST(LoadedMethod, LimitsMemoryThatIsNotPlanned) {
  Opened opened("tiny_native_v1.pte");
  opened.tensor(0).is_planned = false;
  opened.tensor(0).spec.shape = {1, (1 << 26) + 1};  // of float32
  opened.expect_refused(StatusCode::invalid_artifact,
                        "at most 268435456 bytes of tensors outside of planned memory, got more");
}

TEST(LoadedMethod, RefusesIndicesOfNothing) {
  for (const std::int32_t index : {-1, 1, 1 << 30}) {
    Opened delegate("tiny_native_v1.pte");
    delegate.forward->instructions[0].index = index;
    delegate.expect_refused(StatusCode::invalid_artifact, "expected the number of a delegate");
    Opened argument("tiny_native_v1.pte");
    argument.forward->instructions[0].arguments[1] = index == 1 ? 99 : index;
    argument.expect_refused(StatusCode::invalid_artifact, "expected a tensor as value");
  }
}

TEST(LoadedMethod, RefusesTensorsThatAreNotPlain) {
  Opened opened("tiny_native_v1.pte");
  opened.tensor(0).is_plain = false;
  opened.expect_refused(StatusCode::invalid_artifact, "expected a plain tensor as value 0");
  Opened large("tiny_native_v1.pte");
  large.tensor(0).spec.shape = {1 << 30, 1 << 30, 1 << 30, 1 << 30};
  large.expect_refused(StatusCode::invalid_artifact, "expected a plain tensor as value 0");
}

TEST(LoadedMethod, RefusesArgumentsThatDoNotFitThePlan) {
  Opened opened("tiny_native_v1.pte");
  opened.tensor(1).spec.shape = {1, 6};
  auto loaded = LoadedMethod::load(opened.container, *opened.forward);
  ASSERT_TRUE(loaded.ok());
  const std::vector<float> input(3 * 32 * 24);
  const auto outputs = (*loaded)->run({{input.data(), {1, 3, 32, 24}, DType::float32}}, nullptr);
  ASSERT_FALSE(outputs.ok());
  EXPECT_EQ(outputs.status().message(),
            "[Session.run] expected tensors that fit the plan, got others; compile the model again "
            "with hvit-edge");
}

// The constants that plans share are stored once; without them, a plan cannot be loaded.
TEST(LoadedMethod, RefusesAPlanWithoutItsSharedConstants) {
  Opened opened("methods_v1.pte");
  EXPECT_TRUE(opened.load().ok());
  opened.container.named.clear();
  opened.expect_refused(StatusCode::invalid_artifact,
                        "[native.load] expected the constants that the plan shares with others");
}

// An input without planned memory, and constants, have memory of their own: the plan never works in
// the caller's memory or in the file.
TEST(LoadedMethod, GivesTensorsMemoryOfTheirOwn) {
  Opened opened("tiny_native_v1.pte");
  std::vector<float> input(3 * 32 * 24, 0.25F);
  const TensorView view{input.data(), {1, 3, 32, 24}, DType::float32};
  auto planned = LoadedMethod::load(opened.container, *opened.forward);
  ASSERT_TRUE(planned.ok());
  opened.tensor(0).is_planned = false;
  opened.tensor(1).is_planned = false;
  auto own = LoadedMethod::load(opened.container, *opened.forward);
  ASSERT_TRUE(own.ok()) << own.status().message();
  const auto expected = (*planned)->run({view}, nullptr);
  const auto found = (*own)->run({view}, nullptr);
  ASSERT_TRUE(expected.ok() && found.ok());
  EXPECT_EQ(std::memcmp((*found)[0].data, (*expected)[0].data, 28), 0);
  EXPECT_EQ(input, std::vector<float>(3 * 32 * 24, 0.25F));
}

}  // namespace
}  // namespace hvit_edge::small
