// The cores of phones and desktops, as files of /sys describe them in a folder of the test.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "engine/cpu_count.h"
#include "engine/cpu_files.h"
#include "hvit_edge/threads.h"

namespace hvit_edge {
namespace {

class CpuFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    root_ = ::testing::TempDir() + "cpu_files_" + test->name();
    std::filesystem::remove_all(root_);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& file, const std::string& text) {
    const std::filesystem::path path = root_ + file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text << "\n";
  }
  void write(int cpu, const char* name, int number) {
    write("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/" + name, std::to_string(number));
  }
  void write_all(const char* name, const std::vector<int>& numbers) {
    for (std::size_t i = 0; i < numbers.size(); ++i) write(static_cast<int>(i), name, numbers[i]);
  }

  CpuFiles files() const { return CpuFiles(root_); }
  std::string root_;
};

std::vector<int> first(int count) {
  std::vector<int> cpus;
  for (int cpu = 0; cpu < count; ++cpu) cpus.push_back(cpu);
  return cpus;
}

using Cpus = std::vector<int>;
constexpr char kCapacity[] = "cpu_capacity";
constexpr char kFrequency[] = "cpufreq/cpuinfo_max_freq";

TEST_F(CpuFilesTest, FourBigCoresOfFourAndFour) {
  write_all(kCapacity, {381, 381, 381, 381, 1024, 1024, 1024, 1024});
  EXPECT_EQ(files().fast_ones(first(8)), (Cpus{4, 5, 6, 7}));
}

TEST_F(CpuFilesTest, PrimeAndBigCoresOfOneThreeAndFour) {
  write_all(kCapacity, {261, 261, 261, 261, 871, 871, 871, 1024});
  EXPECT_EQ(files().fast_ones(first(8)), (Cpus{4, 5, 6, 7}));
}

TEST_F(CpuFilesTest, TwoBigCoresOfTwoAndSix) {
  write_all(kCapacity, {414, 414, 414, 414, 414, 414, 1024, 1024});
  EXPECT_EQ(files().fast_ones(first(8)), (Cpus{6, 7}));
}

TEST_F(CpuFilesTest, AllCoresOfSixAndTwoFastOnes) {
  write_all(kCapacity, {792, 792, 792, 792, 792, 792, 1024, 1024});
  EXPECT_EQ(files().fast_ones(first(8)), first(8));
}

TEST_F(CpuFilesTest, SixBigCoresOfSixAndTwo) {
  write_all(kCapacity, {1024, 1024, 1024, 1024, 1024, 1024, 319, 319});
  EXPECT_EQ(files().fast_ones(first(8)), first(6));
}

TEST_F(CpuFilesTest, FrequenciesIfThereAreNoCapacities) {
  write_all(kFrequency, {1766400, 1766400, 1766400, 1766400, 2803200, 2803200, 2803200, 2803200});
  EXPECT_EQ(files().fast_ones(first(8)), (Cpus{4, 5, 6, 7}));
  write_all(kFrequency, {1804800, 1804800, 1804800, 1804800, 2419200, 2419200, 2419200, 2841600});
  EXPECT_EQ(files().fast_ones(first(8)), (Cpus{4, 5, 6, 7}));
}

// Cores of a desktop differ a little in their highest frequency.
TEST_F(CpuFilesTest, AlmostEqualFrequenciesAreAllFast) {
  write_all(kFrequency, {4650000, 4650000, 4450000, 4300000});
  EXPECT_EQ(files().fast_ones(first(4)), first(4));
}

TEST_F(CpuFilesTest, CapacitiesCountBeforeFrequencies) {
  write_all(kCapacity, {400, 1024});
  write_all(kFrequency, {2000000, 2000000});
  EXPECT_EQ(files().fast_ones(first(2)), (Cpus{1}));
}

TEST_F(CpuFilesTest, AllCoresIfSomeHaveNoFiles) {
  EXPECT_EQ(files().fast_ones(first(4)), first(4));
  write(0, kCapacity, 300);
  write(1, kCapacity, 1024);
  EXPECT_EQ(files().fast_ones(first(4)), first(4));
  write_all(kFrequency, {1800000, 1800000, 2800000, 2800000});
  EXPECT_EQ(files().fast_ones(first(4)), (Cpus{2, 3}));
}

TEST_F(CpuFilesTest, NumbersThatCannotBeAreNone) {
  write_all(kCapacity, {0, 1024});
  EXPECT_EQ(files().fast_ones(first(2)), first(2));
  write("/sys/devices/system/cpu/cpu0/cpu_capacity", "unknown");
  EXPECT_EQ(files().fast_ones(first(2)), first(2));
}

TEST_F(CpuFilesTest, CoresThatAreOfflineDoNotCount) {
  write_all(kCapacity, {381, 381, 1024, 1024});
  write(3, "online", 0);
  write(2, "online", 1);
  EXPECT_EQ(files().fast_ones(first(4)), (Cpus{2}));
  write(2, "online", 0);  // the big ones are off: the others are the fastest
  EXPECT_EQ(files().fast_ones(first(4)), (Cpus{0, 1}));
}

TEST_F(CpuFilesTest, OnlyTheCoresOfTheProcessCount) {
  write_all(kCapacity, {381, 381, 381, 381, 1024, 1024, 1024, 1024});
  EXPECT_EQ(files().fast_ones({0, 1, 2, 5}), (Cpus{5}));
  EXPECT_EQ(files().fast_ones({0, 1}), (Cpus{0, 1}));
  EXPECT_EQ(files().fast_ones({}), Cpus());
}

TEST_F(CpuFilesTest, ThreadsOfOneCoreCountOnce) {
  for (int cpu = 0; cpu < 4; ++cpu) {
    write(cpu, "topology/physical_package_id", 0);
    write(cpu, "topology/core_id", cpu / 2);
  }
  EXPECT_EQ(files().physical_cores(first(4)), 2);
  write(3, "topology/physical_package_id", 1);
  EXPECT_EQ(files().physical_cores(first(4)), 3);
  EXPECT_EQ(files().physical_cores({7, 8}), 2);  // cores without files
}

TEST_F(CpuFilesTest, ControlGroupsLimitTheTime) {
  EXPECT_GT(files().time_limit(), 1000);
  write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "150000");
  write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(files().time_limit(), 2);
  write("/sys/fs/cgroup/cpu.max", "50000 100000");
  EXPECT_EQ(files().time_limit(), 1);
  write("/sys/fs/cgroup/cpu.max", "max 100000");
  write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1");
  EXPECT_GT(files().time_limit(), 1000);
}

#if defined(__linux__)
TEST(CpuCount, IsThatOfTheFilesOfThisMachine) {
  const CpuFiles files;
  const std::vector<int> fast = files.fast_ones(allowed_cpus());
  EXPECT_EQ(fast_cpus(), fast);
  ASSERT_FALSE(fast.empty());
  EXPECT_EQ(auto_threads(), std::min(files.physical_cores(fast), files.time_limit()));
}
#endif

}  // namespace
}  // namespace hvit_edge
