// The choice of an instruction set by HVIT_EDGE_ISA.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "artifact.h"
#include "hvit_edge/backends.h"
#include "hvit_edge/session.h"
#include "native/instruction_sets.h"

namespace hvit_edge::native {
namespace {

class InstructionSets : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* value = std::getenv(kInstructionSetVariable);
    was_set_ = value != nullptr;
    if (was_set_) before_ = value;
    unsetenv(kInstructionSetVariable);
  }
  void TearDown() override {
    if (was_set_) {
      setenv(kInstructionSetVariable, before_.c_str(), 1);
    } else {
      unsetenv(kInstructionSetVariable);
    }
  }

  static void choose(const char* name) { setenv(kInstructionSetVariable, name, 1); }

 private:
  bool was_set_ = false;
  std::string before_;
};

TEST_F(InstructionSets, BeginWithOneThatIsAlwaysPresent) {
  EXPECT_TRUE(instruction_sets().front().present);
  EXPECT_EQ(instruction_sets().front().run, run_portable);
}

TEST_F(InstructionSets, AreTheFastestUnlessOneIsNamed) {
  ASSERT_TRUE(instruction_set().ok());
  EXPECT_EQ(*instruction_set(), fastest_instruction_set().name);
  choose("");
  EXPECT_EQ(*instruction_set(), fastest_instruction_set().name);
}

TEST_F(InstructionSets, AreThoseThatAreNamed) {
  for (const InstructionSet& set : instruction_sets()) {
    if (!set.present) continue;
    choose(set.name);
    const Result<InstructionSet> chosen = chosen_instruction_set();
    ASSERT_TRUE(chosen.ok()) << chosen.status().message();
    EXPECT_EQ(chosen->of(Number::float32), set.run);
    EXPECT_EQ(chosen->of(Number::float16), set.run_half);
    EXPECT_EQ(*instruction_set(), set.name);
  }
}

TEST_F(InstructionSets, RefuseOthersWhenAnyProgramIsLoaded) {
  choose("avx9");
  const Result<std::string> set = instruction_set();
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.status().code(), StatusCode::invalid_argument);
  const std::string& message = set.status().message();
  EXPECT_EQ(message.find("[HVIT_EDGE_ISA] expected an instruction set of this CPU ("), 0U)
      << message;
  EXPECT_NE(message.find("), got avx9; change or unset the variable"), std::string::npos)
      << message;
  const Result<Session> session = Session::load(testing::tiny_path());
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.status().message(), message);
}

TEST_F(InstructionSets, RefuseWhatTheProcessorLacks) {
  for (const InstructionSet& set : instruction_sets()) {
    if (set.present) continue;
    choose(set.name);
    EXPECT_EQ(chosen_instruction_set().status().code(), StatusCode::invalid_argument);
  }
}

}  // namespace
}  // namespace hvit_edge::native
