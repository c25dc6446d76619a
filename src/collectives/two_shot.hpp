// Large all-reduce, reduce and reduce-scatter: each rank reduces its share of all ranks' buffers
// and stores the result into every buffer that needs it.
//
// Where every buffer is reached in place (tuttiMemAlloc, or ranks in one process) that is one pass:
// marks, read R shares, write up to R shares, marks. A share is read and written by its owner only,
// so that input and output may be the same buffer. Otherwise the same happens step by step through
// staging (two_shot_staged.cpp), or, where a view is a copy anyway, by copies from buffer to buffer
// (two_shot_copied.cpp); ranks learn from each other's entries which way all of them go.
#pragma once

#include "channel/operation.hpp"
#include "collectives/per_rank.hpp"
#include "collectives/request.hpp"

namespace tutti {

void two_shot(const Operation& operation, const Request& request);

// What a rank brings to a two-shot reduction.
struct TwoShotEntry {
  MemoryRef send;
  MemoryRef recv;
  std::uint64_t scale;
};
static_assert(sizeof(TwoShotEntry) <= LineContent::kPayloadBytes);

// The staged way; entries have been exchanged. `scales` is empty or one a rank.
void two_shot_staged(const Operation& operation, const Request& request,
                     std::span<const std::uint64_t> scales);

// By copies. `entries`: everybody's.
void two_shot_copied(const Operation& operation, const Request& request,
                     PerRank<TwoShotEntry>& entries, std::span<const std::uint64_t> scales);

}  // namespace tutti
