// Calls whose results are known: what returns tuttiSuccess with anything else ends the process with
// kWrongResult, and says where. For ranks that are processes.
#pragma once

#include <tutti/moe.h>
#include <tutti/tutti.h>

#include <cstddef>
#include <string>
#include <vector>

namespace tutti::test {

inline constexpr int kWrongResult = 77;

// `round` makes each call's results other than the last one's.
tuttiResult_t checked_all_reduce(tuttiComm_t comm, std::size_t count, int round);
tuttiResult_t checked_all_to_all(tuttiComm_t comm, std::size_t count, int round);
// Each rank sends to the next one and receives from the one before.
tuttiResult_t checked_ring(tuttiComm_t comm, std::size_t count, int round);

// A layer whose expert e multiplies by e + 1; each rank has two.
class CheckedMoe {
 public:
  // Collective. What fails shows in result().
  CheckedMoe(tuttiComm_t comm, int tokens, std::size_t hidden);
  ~CheckedMoe();
  CheckedMoe(const CheckedMoe&) = delete;
  CheckedMoe& operator=(const CheckedMoe&) = delete;

  tuttiResult_t result() const { return result_; }
  // Update, dispatch and combine.
  tuttiResult_t step(int round);
  const char* last_error() const;

 private:
  static constexpr int kTopk = 2;
  tuttiResult_t dispatch(std::vector<float>& arrived, std::vector<int64_t>& offsets, int round);
  int expert_of(int token, int lane, int round) const;
  float input(int token, std::size_t at, int round) const;

  tuttiComm_t comm_;
  int rank_ = 0;
  int experts_ = 0;
  int tokens_;
  std::size_t hidden_;
  tuttiMoeGroup_t group_ = nullptr;
  tuttiMoePlan_t plan_ = nullptr;
  tuttiResult_t result_;
};

}  // namespace tutti::test
