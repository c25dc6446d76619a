// A MoE group of one rank for the length of a test, and calls that show the library's sentence.
#pragma once

#include <gtest/gtest.h>
#include <tutti/moe.h>

#include <string>
#include <vector>

namespace tutti::test {

// Compares codes and shows the library's sentence when they differ.
testing::AssertionResult succeeded(const char* call_text, tuttiResult_t result,
                                   const char* sentence);

#define MOE_OK(group, call) \
  ASSERT_TRUE(::tutti::test::succeeded(#call, (call), tuttiMoeGetLastError(group)))
#define COMM_OK(comm, call) \
  ASSERT_TRUE(::tutti::test::succeeded(#call, (call), tuttiGetLastError(comm)))

// A group and the plans made on it, destroyed in order. Made by every rank; ok() when that worked.
class GroupScope {
 public:
  GroupScope(tuttiComm_t comm, const tuttiMoeConfig_t& config);
  ~GroupScope();
  GroupScope(const GroupScope&) = delete;
  GroupScope& operator=(const GroupScope&) = delete;

  tuttiResult_t result() const { return result_; }
  tuttiMoeGroup_t get() const { return group_; }
  operator tuttiMoeGroup_t() const { return group_; }
  tuttiMoePlan_t new_plan();
  std::string last_error() const { return tuttiMoeGetLastError(group_); }

 private:
  tuttiMoeGroup_t group_ = nullptr;
  tuttiResult_t result_;
  std::vector<tuttiMoePlan_t> plans_;
};

}  // namespace tutti::test
