#include <gtest/gtest.h>

#include "artifact.h"
#include "artifact/operator_records.h"
#include "hvit_edge/session.h"

namespace hvit_edge {
namespace {

TEST(OperatorRecords, ReadsEachField) {
  std::vector<OperatorRecord> records;
  EXPECT_EQ(parse_operator_records("Conv2d\tstem.conv\nStaticReshape\t\nExp\tstem.act", records),
            "");
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].kind, "Conv2d");
  EXPECT_EQ(records[0].module, "stem.conv");
  EXPECT_EQ(records[1].kind, "StaticReshape");
  EXPECT_EQ(records[1].module, "");
  EXPECT_EQ(records[2].module, "stem.act");
}

TEST(OperatorRecords, NoTextNoRecords) {
  std::vector<OperatorRecord> records;
  EXPECT_EQ(parse_operator_records("", records), "");
  EXPECT_TRUE(records.empty());
}

TEST(OperatorRecords, NamesAMalformedLine) {
  for (const std::string line : {"", "Conv2d", "\tstem", "Conv2d\tstem\tconv"}) {
    std::vector<OperatorRecord> records;
    EXPECT_EQ(parse_operator_records("Exp\ta\n" + line, records),
              "expected lines kind<TAB>module, got '" + line + "'");
    EXPECT_EQ(records.size(), 1U);
  }
}

TEST(OperatorRecords, ALongLineIsCut) {
  std::vector<OperatorRecord> records;
  EXPECT_EQ(parse_operator_records(std::string(1000, 'x'), records),
            "expected lines kind<TAB>module, got '" + std::string(60, 'x') + "...'");
}

TEST(OperatorRecords, AnArtifactWithoutTheFieldHasNone) {
  const Result<Session> session = Session::load(testing::tiny_path());
  ASSERT_TRUE(session.ok()) << session.status().message();
  EXPECT_TRUE(session->metadata().operators.empty());
}

}  // namespace
}  // namespace hvit_edge
