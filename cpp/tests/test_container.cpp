// Programs as the runtime without ExecuTorch reads them. Both runtimes have these tests; that of
// ExecuTorch also compares what it reads itself, see test_container_facts.cpp.
#include <gtest/gtest.h>

#include <algorithm>

#include "artifact.h"
#include "flat_sample.h"
#include "small/container.h"

namespace hvit_edge::small {
namespace {

using testing::put;
using testing::read_file;

std::vector<std::uint8_t> program_of(const std::string& name) {
  std::vector<std::uint8_t> bytes = read_file(std::string(HVIT_EDGE_TEST_DATA) + "/" + name);
  bytes.resize(bytes.size() - 32);
  return bytes;
}

const Method* find(const Container& container, const std::string& name) {
  for (const Method& method : container.methods) {
    if (method.name == name) return &method;
  }
  return nullptr;
}

std::string fault_of(const std::vector<std::uint8_t>& bytes) {
  const Result<Container> container = read_container(bytes.data(), bytes.size());
  if (container.ok()) return "";
  EXPECT_EQ(container.status().code(), StatusCode::invalid_artifact);
  const std::string message = container.status().message();
  const std::string start = "[Session.load] expected to read the program, got ";
  EXPECT_EQ(message.rfind(start, 0), 0U) << message;
  return message.substr(start.size(), message.find(';') - start.size());
}

TEST(Container, HasTheModelAndItsMetadata) {
  const std::vector<std::uint8_t> bytes = program_of("tiny_native_v1.pte");
  const Result<Container> read = read_container(bytes.data(), bytes.size());
  ASSERT_TRUE(read.ok()) << read.status().message();
  const Method* forward = find(*read, "forward");
  ASSERT_NE(forward, nullptr);
  ASSERT_EQ(forward->delegates.size(), 1U);
  EXPECT_EQ(forward->delegates[0].backend, "HvitEdgeBackend");
  EXPECT_EQ(std::string(forward->delegates[0].data.data, 8), "HVITPN01");
  ASSERT_EQ(forward->instructions.size(), 1U);
  EXPECT_EQ(forward->instructions[0].callee, Callee::delegate);
  EXPECT_EQ(forward->instructions[0].arguments, (std::vector<std::int32_t>{0, 1}));
  EXPECT_EQ(forward->tensor(0)->spec.shape, (std::vector<std::int64_t>{1, 3, 32, 24}));
  EXPECT_TRUE(forward->tensor(0)->is_plain && forward->tensor(0)->is_planned);
  const Method* name = find(*read, "hve_model_name");
  ASSERT_NE(name, nullptr);
  EXPECT_EQ(std::get<std::string_view>(*name->value(name->outputs[0])), "tiny");
}

TEST(Container, NamesOperatorsOutsideOfDelegates) {
  const std::vector<std::uint8_t> bytes = program_of("portable_v1.pte");
  const Result<Container> read = read_container(bytes.data(), bytes.size());
  ASSERT_TRUE(read.ok()) << read.status().message();
  const std::vector<std::string>& names = find(*read, "forward")->operators;
  EXPECT_EQ(std::count(names.begin(), names.end(), "aten::convolution.out"), 1);
}

// The plans of several sizes share their constants, which are in a segment.
TEST(Container, FindsNamedData) {
  const std::vector<std::uint8_t> bytes = program_of("methods_v1.pte");
  const Result<Container> read = read_container(bytes.data(), bytes.size());
  ASSERT_TRUE(read.ok()) << read.status().message();
  ASSERT_EQ(read->named.count("hvit_edge_constants"), 1U);
  const Bytes shared = read->named.at("hvit_edge_constants");
  EXPECT_GT(shared.size, 0U);
  const char* end = reinterpret_cast<const char*>(bytes.data()) + bytes.size();
  EXPECT_LE(shared.data + shared.size, end);
}

TEST(Container, RefusesOtherFiles) {
  EXPECT_EQ(fault_of({}), "another kind of file");
  EXPECT_EQ(fault_of({1, 2, 3, 4, 5, 6, 7}), "another kind of file");
  std::vector<std::uint8_t> bytes = program_of("tiny_native_v1.pte");
  bytes[5] = 'U';
  EXPECT_EQ(fault_of(bytes), "another kind of file");
}

TEST(Container, RefusesAHeaderThatDoesNotFit) {
  const std::vector<std::uint8_t> bytes = program_of("methods_v1.pte");
  const auto with = [&](std::size_t place, std::uint64_t number) {
    std::vector<std::uint8_t> altered = bytes;
    put(altered, place, number);
    return fault_of(altered);
  };
  const char* wrong = "a header whose sizes do not fit";
  EXPECT_EQ(with(16, bytes.size() + 1), wrong);  // the flatbuffer
  EXPECT_EQ(with(24, bytes.size() + 1), wrong);  // where segments begin
  EXPECT_EQ(with(24, 64), wrong);
  EXPECT_EQ(with(32, bytes.size()), wrong);  // their size
  EXPECT_EQ(with(32, ~std::uint64_t{0}), wrong);
  EXPECT_EQ(with(32, 1), "a segment beyond its end");
  EXPECT_EQ(with(16, 64), "an object beyond its end");
}

// The first bytes of a file that was cut are refused, and no read reaches beyond them.
TEST(Container, RefusesAFileThatWasCut) {
  const std::vector<std::uint8_t> bytes = program_of("two_outputs_native_v1.pte");
  for (std::size_t size = 0; size < bytes.size(); size += 97) {
    const std::vector<std::uint8_t> cut(bytes.begin(),
                                        bytes.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(fault_of(cut), "") << size;
  }
}

// No change of one byte crashes; most of those in the tables are noticed.
TEST(Container, SurvivesAChangeOfAnyByte) {
  std::vector<std::uint8_t> bytes = program_of("two_outputs_native_v1.pte");
  int refused = 0;
  for (std::size_t place = 0; place < bytes.size(); place += 3) {
    const std::uint8_t before = bytes[place];
    bytes[place] = static_cast<std::uint8_t>(~before);
    refused += read_container(bytes.data(), bytes.size()).ok() ? 0 : 1;
    bytes[place] = before;
  }
  EXPECT_GT(refused, 100);
  EXPECT_EQ(fault_of(bytes), "");
}

}  // namespace
}  // namespace hvit_edge::small
