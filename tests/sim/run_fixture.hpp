// tuttiSimRun with bodies that are lambdas, and a body that uses a communicator.
#pragma once

#include <gtest/gtest.h>
#include <tutti/sim.h>
#include <tutti/tutti.h>

#include <functional>
#include <string>
#include <vector>

namespace tutti::test {

using Body = std::function<tuttiResult_t(int rank, int nranks, const tuttiUniqueId& id)>;

inline tuttiResult_t call_body(int rank, int nranks, const tuttiUniqueId* id, void* user) {
  return (*static_cast<const Body*>(user))(rank, nranks, *id);
}

class SimRun : public testing::Test {
 protected:
  SimRun() {
    config.fabric = "cloudmatrix384-wire";
    config.rank_per = "package";
  }
  tuttiResult_t run(int nranks, Body body) {
    return tuttiSimRun(&config, nranks, call_body, &body, &result);
  }
  static std::string sentence() { return tuttiGetLastError(nullptr); }

  tuttiSimConfig_t config = TUTTI_SIM_CONFIG_INITIALIZER;
  tuttiSimResult_t result = TUTTI_SIM_RESULT_INITIALIZER;
};

// Adds up and gathers the ranks' numbers on a communicator that meets at `id`.
inline tuttiResult_t sum_up(int rank, int nranks, const tuttiUniqueId& id) {
  tuttiComm_t comm = nullptr;
  tuttiResult_t code = tuttiCommInitRank(&comm, nranks, id, rank);
  if (code != tuttiSuccess) return code;
  int sum = 0;
  code = tuttiAllReduce(&rank, &sum, 1, tuttiInt32, tuttiSum, comm, nullptr);
  EXPECT_EQ(sum, nranks * (nranks - 1) / 2);
  // Too long for lines.
  const std::vector<int> mine(300, rank);
  std::vector<int> all(mine.size() * static_cast<std::size_t>(nranks));
  if (code == tuttiSuccess) {
    code = tuttiAllGather(mine.data(), all.data(), mine.size(), tuttiInt32, comm, nullptr);
    EXPECT_EQ(all.back(), nranks - 1);
  }
  const tuttiResult_t end = tuttiCommDestroy(comm);
  return code != tuttiSuccess ? code : end;
}

}  // namespace tutti::test
