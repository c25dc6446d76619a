// How an operation is named to people: "AllReduce(count=12, float, sum)".
#pragma once

#include <tutti/tutti.h>

#include <cstdint>
#include <string>

namespace tutti {

struct OperationFacts {
  static constexpr std::uint64_t kNoCount = ~std::uint64_t{0};
  static constexpr int kNoRoot = -1;

  const char* kind = "";  // "AllReduce"; a literal: it is kept by address
  std::uint64_t count = kNoCount;
  tuttiDataType_t type = tuttiNumTypes;  // none
  tuttiRedOp_t op = tuttiNumOps;         // none
  int root = kNoRoot;
  int peer = kNoRoot;  // of a message
};

// What is absent is left out: "Barrier", "Broadcast(count=12, int8, root 3)", "Send(count=1, int8,
// peer 2)".
std::string operation_text(const OperationFacts& facts);

}  // namespace tutti
