// The collectives as data: which buffers they use, what they call, where each result comes from.
#pragma once

#include <tutti/tutti.h>

#include <cstddef>
#include <vector>

#include "perf/common/sizes.hpp"

namespace tutti::perf {

// One operation of one size, as a rank sees it.
struct Case {
  Op op;
  Shape shape;
  tuttiDataType_t type;
  tuttiRedOp_t redop;
  int root;
  int rank;
  int ranks;
};

bool uses_redop(Op op);
bool uses_root(Op op);
bool runs_in_place(Op op);

struct Pointers {
  std::byte* send;
  std::byte* recv;
};

// Where the operation reads and writes when `buffer` serves both; runs_in_place(op) only.
Pointers in_place(const Case& c, std::byte* buffer);

// Bytes that send and receive buffers must hold for one size.
std::size_t buffer_bytes(const Case& c);

// Calls the operation. Construct once per size, so that a call costs nothing but itself.
class Launch {
 public:
  Launch(const Case& c, Pointers buffers, tuttiComm_t comm);
  tuttiResult_t operator()() const;

 private:
  tuttiResult_t send_recv() const;

  Case case_;
  Pointers buffers_;
  tuttiComm_t comm_;
  std::vector<std::size_t> counts_, displacements_;
};

// Elements that this rank receives, 0 where it is not a root.
std::size_t received_elements(const Case& c);

// Where element `index` of this rank's result comes from: one rank, or the same index on every
// rank.
struct Origin {
  int rank;           // -1: reduced over all ranks
  std::size_t index;  // in the send buffer there
};
Origin origin_of(const Case& c, std::size_t index);

}  // namespace tutti::perf
