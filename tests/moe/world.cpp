#include "world.hpp"

#include <thread>

namespace tutti::test {

testing::AssertionResult succeeded(const char* call_text, tuttiResult_t result,
                                   const char* sentence) {
  if (result == tuttiSuccess) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << call_text << ": " << tuttiGetErrorString(result) << ": " << sentence;
}

World::World(int ranks) : comms_(static_cast<std::size_t>(ranks)) {
  const tuttiResult_t result = tuttiCommInitAll(comms_.data(), ranks);
  if (result != tuttiSuccess) {
    throw std::runtime_error(std::string("tuttiCommInitAll: ") + tuttiGetLastError(nullptr));
  }
}

World::~World() {
  for (const tuttiComm_t comm : comms_) tuttiCommDestroy(comm);
}

void World::run(const std::function<void(int, tuttiComm_t)>& body) const {
  std::vector<std::jthread> threads;
  threads.reserve(comms_.size());
  for (int rank = 0; rank < ranks(); ++rank) {
    threads.emplace_back([&body, rank, comm = comm(rank)] {
      SCOPED_TRACE("rank " + std::to_string(rank));
      body(rank, comm);
    });
  }
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
