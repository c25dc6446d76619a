#include "group_scope.hpp"

namespace tutti::test {

testing::AssertionResult succeeded(const char* call_text, tuttiResult_t result,
                                   const char* sentence) {
  if (result == tuttiSuccess) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << call_text << ": " << tuttiGetErrorString(result) << ": " << sentence;
}

GroupScope::GroupScope(tuttiComm_t comm, const tuttiMoeConfig_t& config)
    : result_(tuttiMoeGroupCreate(comm, &config, &group_)) {}

GroupScope::~GroupScope() {
  for (const tuttiMoePlan_t plan : plans_) EXPECT_EQ(tuttiMoePlanDestroy(plan), tuttiSuccess);
  if (result_ == tuttiSuccess) {
    EXPECT_EQ(tuttiMoeGroupDestroy(group_), tuttiSuccess);
  }
}

tuttiMoePlan_t GroupScope::new_plan() {
  tuttiMoePlan_t plan = nullptr;
  EXPECT_TRUE(succeeded("tuttiMoePlanCreate", tuttiMoePlanCreate(group_, &plan),
                        tuttiMoeGetLastError(group_)));
  plans_.push_back(plan);
  return plan;
}

}  // namespace tutti::test
