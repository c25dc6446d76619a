// The small-message calls that the quiet tests repeat: each is a call on one rank of a communicator
// of two, with buffers made beforehand.
#pragma once

#include <tutti/moe.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace tutti::test {

class QuietCall {
 public:
  virtual ~QuietCall() = default;
  // tuttiSuccess, or what went wrong.
  virtual tuttiResult_t operator()() = 0;
};

// "all_reduce_8", "all_reduce_4096", "all_to_all_8", "all_to_all_4096", "barrier", "moe".
// Collective: makes the buffers (of tuttiMemAlloc) and, for moe, a group. Null for another name, or
// when something fails.
std::unique_ptr<QuietCall> make_call(const std::string& name, tuttiComm_t comm);

}  // namespace tutti::test
