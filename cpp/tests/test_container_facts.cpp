// Our reader of programs finds in every artifact what ExecuTorch finds.
#include <executorch/extension/data_loader/buffer_data_loader.h>
#include <executorch/extension/module/module.h>
#include <gtest/gtest.h>

#include "artifact.h"
#include "engine/engine.h"
#include "executorch/method_facts.h"
#include "small/container.h"
#include "small/method_facts.h"
#include "small/stored_tensor.h"

namespace hvit_edge {
namespace {

class ContainerFacts : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    bytes_ = testing::read_file(std::string(HVIT_EDGE_TEST_DATA) + "/" + GetParam());
    bytes_.resize(bytes_.size() - 32);
    auto read = small::read_container(bytes_.data(), bytes_.size());
    ASSERT_TRUE(read.ok()) << read.status().message();
    ours_ = std::move(read).value();
    auto engine = open_engine(bytes_.data(), bytes_.size());
    ASSERT_TRUE(engine.ok()) << engine.status().message();
    theirs_ = std::move(engine).value();
  }

  std::vector<std::uint8_t> bytes_;
  small::Container ours_;
  std::unique_ptr<Engine> theirs_;
};

void expect_same(const std::vector<SlotFacts>& ours, const std::vector<SlotFacts>& theirs) {
  ASSERT_EQ(ours.size(), theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_EQ(ours[i].exists, theirs[i].exists);
    EXPECT_EQ(ours[i].is_tensor, theirs[i].is_tensor);
    EXPECT_EQ(ours[i].spec.shape, theirs[i].spec.shape);
    EXPECT_EQ(ours[i].spec.dtype, theirs[i].spec.dtype);
    EXPECT_EQ(ours[i].bytes, theirs[i].bytes);
  }
}

TEST_P(ContainerFacts, MethodsAreTheSame) {
  ASSERT_EQ(ours_.methods.size(), theirs_->methods().size());
  for (std::size_t i = 0; i < ours_.methods.size(); ++i) {
    ASSERT_EQ(ours_.methods[i].name, theirs_->methods()[i]);
    const MethodFacts ours = small::facts_of(ours_.methods[i]);
    const Result<MethodFacts> theirs = theirs_->describe(theirs_->methods()[i]);
    ASSERT_TRUE(theirs.ok());
    SCOPED_TRACE(ours_.methods[i].name);
    expect_same(ours.inputs, theirs->inputs);
    expect_same(ours.outputs, theirs->outputs);
    EXPECT_EQ(ours.instructions, theirs->instructions);
    EXPECT_EQ(ours.backends, theirs->backends);
    EXPECT_EQ(ours.planned, theirs->planned);
  }
}

TEST_P(ContainerFacts, ConstantsAreTheSame) {
  int compared = 0;
  for (const small::Method& method : ours_.methods) {
    if (!method.instructions.empty()) continue;
    const auto theirs = theirs_->constants(method.name);
    ASSERT_TRUE(theirs.ok()) << theirs.status().message();
    ASSERT_EQ(method.outputs.size(), theirs->size());
    for (std::size_t i = 0; i < theirs->size(); ++i) {
      const small::StoredValue& ours = *method.value(method.outputs[i]);
      SCOPED_TRACE(method.name);
      ++compared;
      if (const auto* tensor = std::get_if<TensorView>(&(*theirs)[i])) {
        const auto data = small::constant_of(ours_, std::get<small::StoredTensor>(ours));
        ASSERT_TRUE(data.ok());
        EXPECT_EQ(data->data, tensor->data);  // both point into the file
      } else if (const auto* text = std::get_if<std::string_view>(&(*theirs)[i])) {
        EXPECT_EQ(std::get<std::string_view>(ours), *text);
      } else if (const auto* real = std::get_if<double>(&(*theirs)[i])) {
        EXPECT_EQ(std::get<double>(ours), *real);
      } else {
        EXPECT_EQ(std::get<std::int64_t>(ours), std::get<std::int64_t>((*theirs)[i]));
      }
    }
  }
  EXPECT_GT(compared, 15);
}

INSTANTIATE_TEST_SUITE_P(Artifacts, ContainerFacts,
                         ::testing::Values("integer_output_v1.pte", "methods_v1.pte",
                                           "native_half_v1.pte", "native_tensors_v2.pte",
                                           "native_v1.pte", "portable_v1.pte", "tensors_v2.pte",
                                           "tiny_native_v1.pte", "tiny_v1.pte",
                                           "two_outputs_native_v1.pte", "two_outputs_v1.pte"),
                         [](const auto& info) {
                           const std::string name = info.param;
                           return name.substr(0, name.find('.'));
                         });

}  // namespace
}  // namespace hvit_edge
