#include <executorch/runtime/kernel/operator_registry.h>
#include <executorch/runtime/platform/log.h>
#include <gtest/gtest.h>

#include "executorch/kernels.h"
#include "executorch/runtime_log.h"

namespace hvit_edge {
namespace {

std::string explained(const std::string& choice, const Status& loaded) {
  const Status status = explain_kernels({"aten::sort.values", "aten::erf.out"}, choice, loaded);
  EXPECT_EQ(status.code(), StatusCode::missing_backend);
  return status.message();
}

TEST(Kernels, ARefusalNamesTheOperatorsAndTheOption) {
  const std::string start =
      "[Session.load] expected kernels of operators outside the delegates, aten::sort.values, "
      "aten::erf.out, got ";
  EXPECT_EQ(explained("none", Status()),
            start +
                "a runtime that was built with HVIT_EDGE_KERNELS=none; build it with "
                "HVIT_EDGE_KERNELS=all, or compile a model without operators outside the "
                "delegates, which hvit-edge inspect lists");
  EXPECT_EQ(explained("all", Status()),
            start +
                "none in this version of ExecuTorch; compile the model again with this "
                "version of hvit-edge");
  const std::string absent =
      explained("on_demand", Status(StatusCode::missing_backend, "no such file"));
  EXPECT_EQ(absent.find(start + "no library of kernels (no such file); install ExecuTorch's "), 0U);
}

TEST(Kernels, AreThereAfterTheyWereLoaded) {
  if (kernels_choice() == std::string("none")) GTEST_SKIP() << "built without kernels";
  ASSERT_TRUE(load_kernels().ok());
  ASSERT_TRUE(load_kernels().ok());
  EXPECT_TRUE(executorch::runtime::registry_has_op_function("aten::mean.out"));
}

TEST(Kernels, TheLogKeepsTheOperatorsThatHaveNone) {
  const RuntimeLog log;
  EXPECT_TRUE(log.missing_operators().empty());
  ET_LOG(Error, "Missing operator: [%d] %s", 0, "aten::sort.values");
  ET_LOG(Error, "Missing operator: [%d] %s", 2, "aten::erf.out");
  ET_LOG(Error, "Missing operator: [%d] %s", 0, "aten::sort.values");
  ET_LOG(Error, "There are 3 instructions without an operator.");
  EXPECT_EQ(log.missing_operators(),
            (std::vector<std::string>{"aten::sort.values", "aten::erf.out"}));
  EXPECT_EQ(log.first_error(), "Missing operator: [0] aten::sort.values");
}

}  // namespace
}  // namespace hvit_edge
