#include <executorch/extension/data_loader/buffer_data_loader.h>
#include <executorch/extension/module/module.h>
#include <gtest/gtest.h>

#include "artifact.h"
#include "engine/check_methods.h"
#include "executorch/method_facts.h"

namespace hvit_edge {
namespace {

TEST(MethodFacts, TellAModelFromAConstant) {
  std::vector<std::uint8_t> program = testing::read_file(testing::tiny_path());
  program.resize(program.size() - 32);
  executorch::extension::Module module(
      std::make_unique<executorch::extension::BufferDataLoader>(program.data(), program.size()));
  const auto forward = module.method_meta("forward");
  ASSERT_TRUE(forward.ok());
  const Status status = check_constant("hve_target", facts_of(*forward));
  EXPECT_NE(
      status.message().find("expected hve_target to be a constant, got a method that computes"),
      std::string::npos)
      << status.message();
  EXPECT_TRUE(check_model(facts_of(*forward)).ok());
  const auto target = module.method_meta("hve_target");
  ASSERT_TRUE(target.ok());
  EXPECT_TRUE(check_constant("hve_target", facts_of(*target)).ok());
}

}  // namespace
}  // namespace hvit_edge
