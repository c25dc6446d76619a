// The operators that a communicator's user made: pre-multiplied sums.
#pragma once

#include <tutti/tutti.h>

#include <cstdint>
#include <vector>

#include "collectives/request.hpp"

namespace tutti {

// A handle is tuttiNumOps + (generation << kIndexBits | index). Generations differ, so that a
// destroyed operator is not taken for its successor; and they start somewhere else in every
// communicator, so that an operator of another one is noticed too.
class ReductionOperators {
 public:
  ReductionOperators() noexcept;
  ReductionOperators(const ReductionOperators&) = delete;
  ReductionOperators& operator=(const ReductionOperators&) = delete;

  tuttiRedOp_t create(const void* scalar, tuttiDataType_t type, tuttiScalarResidence_t residence);
  void destroy(tuttiRedOp_t op);
  // For a reduction of `type`. tuttiInvalidArgument when `op` is no operator, or of another type.
  Reducer reducer(tuttiRedOp_t op, tuttiDataType_t type) const;

 private:
  static constexpr unsigned kIndexBits = 10;
  static constexpr std::uint32_t kGenerations = std::uint32_t{1} << 20;

  struct Entry {
    bool used = false;
    std::uint32_t generation = 0;
    tuttiDataType_t type = tuttiNumTypes;
    Reducer reducer;
  };

  std::size_t index_of(tuttiRedOp_t op) const;

  std::uint32_t next_generation_;
  std::vector<Entry> entries_;
};

}  // namespace tutti
