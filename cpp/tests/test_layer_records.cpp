#include <gtest/gtest.h>

#include <cmath>

#include "artifact.h"
#include "artifact/layer_records.h"
#include "hvit_edge/session.h"

namespace hvit_edge {
namespace {

TEST(LayerRecords, ReadsEachField) {
  std::vector<LayerRecord> records;
  EXPECT_EQ(parse_layer_records("stages.0.conv:conv2d\tint8\t-3.25\nhead:linear\tfp32\tinf\n"
                                "norm\tfp16\t-inf\nlast\tint8\t12",
                                records),
            "");
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[0].name, "stages.0.conv:conv2d");
  EXPECT_EQ(records[0].precision, "int8");
  EXPECT_EQ(records[0].sqnr_db, -3.25);
  EXPECT_EQ(records[1].sqnr_db, INFINITY);
  EXPECT_EQ(records[2].sqnr_db, -INFINITY);
  EXPECT_EQ(records[3].sqnr_db, 12.0);
}

TEST(LayerRecords, ReadsDecimals) {
  std::vector<LayerRecord> records;
  EXPECT_EQ(
      parse_layer_records("a\tint8\t42.123456789012\nb\tint8\t-0.1\nc\tint8\t0.000001", records),
      "");
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].sqnr_db, 42.123456789012);
  EXPECT_EQ(records[1].sqnr_db, -0.1);
  EXPECT_EQ(records[2].sqnr_db, 0.000001);
}

TEST(LayerRecords, NoTextNoRecords) {
  std::vector<LayerRecord> records;
  EXPECT_EQ(parse_layer_records("", records), "");
  EXPECT_TRUE(records.empty());
}

class MalformedRecord : public ::testing::TestWithParam<const char*> {};

TEST_P(MalformedRecord, IsNamed) {
  std::vector<LayerRecord> records;
  const std::string line = GetParam();
  const std::string fault = parse_layer_records("first\tint8\t1\n" + line, records);
  EXPECT_NE(fault.find("expected lines name<TAB>precision<TAB>decibel, got '" + line + "'"),
            std::string::npos)
      << fault;
  EXPECT_EQ(records.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(All, MalformedRecord,
                         ::testing::Values("", "name", "name\tint8", "\tint8\t1", "name\t\t1",
                                           "name\tint8\t", "name\tint8\t-", "name\tint8\t1,5",
                                           "name\tint8\t.5", "name\tint8\t5.", "name\tint8\t+5",
                                           "name\tint8\tnan", "name\tint8\t1e3", "name\tint8\t1\t2",
                                           "name\tint8\t 1", "name\tint8\t--1", "name\tint8\t1.2.3",
                                           "name\tint8\t123456789012345678901234567890123"));

TEST(LayerRecords, ALongLineIsCut) {
  std::vector<LayerRecord> records;
  const std::string fault = parse_layer_records(std::string(100000, 'x'), records);
  EXPECT_NE(fault.find("xxx...'"), std::string::npos);
  EXPECT_LT(fault.size(), 200U);
}

TEST(LayerRecords, AnArtifactWithoutTheFieldHasNone) {
  const Result<Session> session = Session::load(testing::tiny_path());
  ASSERT_TRUE(session.ok()) << session.status().message();
  EXPECT_TRUE(session->metadata().layers.empty());
}

}  // namespace
}  // namespace hvit_edge
