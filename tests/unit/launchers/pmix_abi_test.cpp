// What bootstrap/launchers/pmix_abi.hpp declares, against PMIx's own header.
#include "bootstrap/launchers/pmix_abi.hpp"

#include <gtest/gtest.h>
#include <pmix_common.h>

#include <cstddef>
#include <type_traits>

namespace tutti {
namespace {

static_assert(sizeof(pmix::Process) == sizeof(pmix_proc_t));
static_assert(offsetof(pmix::Process, rank) == offsetof(pmix_proc_t, rank));
static_assert(sizeof(pmix::Value) == sizeof(pmix_value_t));
static_assert(offsetof(pmix::Value, data) == offsetof(pmix_value_t, data));
static_assert(sizeof(pmix::Info) == sizeof(pmix_info_t));
static_assert(offsetof(pmix::Info, flags) == offsetof(pmix_info_t, flags));
static_assert(offsetof(pmix::Info, value) == offsetof(pmix_info_t, value));
static_assert(std::is_same_v<pmix::Status, pmix_status_t>);
static_assert(std::is_same_v<decltype(pmix::kGlobal), const pmix_scope_t>);
static_assert(std::is_same_v<decltype(pmix::kBool), const pmix_data_type_t>);

TEST(PmixAbi, NumbersAndKeysArePmixs) {
  EXPECT_EQ(pmix::kSuccess, PMIX_SUCCESS);
  EXPECT_EQ(pmix::kDoneAtOnce, PMIX_OPERATION_SUCCEEDED);
  EXPECT_EQ(pmix::kEveryRank, PMIX_RANK_WILDCARD);
  EXPECT_EQ(pmix::kGlobal, PMIX_GLOBAL);
  EXPECT_EQ(pmix::kBool, PMIX_BOOL);
  EXPECT_EQ(pmix::kString, PMIX_STRING);
  EXPECT_EQ(pmix::kUint32, PMIX_UINT32);
  EXPECT_STREQ(pmix::kJobSize, PMIX_JOB_SIZE);
  EXPECT_STREQ(pmix::kCollect, PMIX_COLLECT_DATA);
}

}  // namespace
}  // namespace tutti
