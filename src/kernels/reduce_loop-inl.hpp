// Per target: the loop that all reductions share. A policy P says how an element is accumulated:
//   P::D                     the vector tag of what memory holds
//   first(raw, s)            the accumulator after source s, the first one
//   next(acc, raw, s)        the accumulator after source s
//   finish(accs, raws)       what is stored, for an array of accumulators
//   P::kHot                  whether 2 sources and 1 or 2 destinations get a loop of their own
//
// Measured for the sum of 2 float sources into 2 destinations by two Zen 4 cores at once, each
// doing half of the elements from its own and the other's memory into both, best of many,
// microseconds for buffers of
//                           4 KiB  32 KiB  256 KiB   1 MiB   2 MiB   4 MiB   8 MiB
//   this loop (AVX-512)      0.12    0.65      4.8      22      44     100     740
//   AVX2                     0.13    0.64      4.8      22      44
//   8 vectors at a time      0.13    0.66      4.8      22      45
//   prefetch 2 KiB ahead     0.13    0.67      4.8      24      46
//   prefetch for writing     0.16    0.72      5.0      24      47
//   streaming stores            -    2.5        19      74     150     296     492
//   streaming to the peer       -    1.3       9.3      38      75
// So: four vectors, no prefetch, ordinary stores.

#if defined(TUTTI_KERNELS_REDUCE_LOOP_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TUTTI_KERNELS_REDUCE_LOOP_INL
#undef TUTTI_KERNELS_REDUCE_LOOP_INL
#else
#define TUTTI_KERNELS_REDUCE_LOOP_INL
#endif

#include <hwy/highway.h>

#include "kernels/lanes-inl.hpp"
#include "kernels/reduce_families.hpp"

HWY_BEFORE_NAMESPACE();
namespace tutti::kernels {
namespace HWY_NAMESPACE {

// Folds kVectors vectors of every source at byte `at` and stores them to every destination.
template <std::size_t kVectors, class P>
HWY_INLINE void reduce_block(const P& policy, const ReduceCall& call, std::size_t sources,
                             std::size_t destinations, std::size_t at) {
  const typename P::D d;
  constexpr std::size_t kStep = kBytesOf<typename P::D>;
  typename P::Accumulator acc[kVectors];
  const std::byte* from = call.sources[0] + at;
#pragma GCC unroll 8
  for (std::size_t v = 0; v < kVectors; ++v) acc[v] = policy.first(load(d, from + v * kStep), 0);
  for (std::size_t s = 1; s < sources; ++s) {
    from = call.sources[s] + at;
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) {
      acc[v] = policy.next(acc[v], load(d, from + v * kStep), s);
    }
  }
  hn::Vec<typename P::D> out[kVectors];
  policy.finish(acc, out);
  for (std::size_t t = 0; t < destinations; ++t) {
    std::byte* to = call.destinations[t] + at;
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) store(d, out[v], to + v * kStep);
  }
}

// What is left when less than a vector is: the same with parts of vectors.
template <class P>
HWY_NOINLINE void reduce_rest(const P& policy, const ReduceCall& call, std::size_t at) {
  const typename P::D d;
  const std::size_t bytes = call.bytes - at;
  typename P::Accumulator acc[] = {policy.first(load_part(d, call.sources[0] + at, bytes), 0)};
  for (std::size_t s = 1; s < call.source_count; ++s) {
    acc[0] = policy.next(acc[0], load_part(d, call.sources[s] + at, bytes), s);
  }
  hn::Vec<typename P::D> out[1];
  policy.finish(acc, out);
  for (std::size_t t = 0; t < call.destination_count; ++t) {
    store_part(d, out[0], call.destinations[t] + at, bytes);
  }
}

// kSources, kDestinations: the numbers when known at compile time, or 0.
template <std::size_t kSources, std::size_t kDestinations, class P>
HWY_NOINLINE void reduce_sized(const P& policy, const ReduceCall& call) {
  constexpr std::size_t kStep = kBytesOf<typename P::D>;
  constexpr std::size_t kVectors = 4;
  const std::size_t sources = kSources ? kSources : call.source_count;
  const std::size_t destinations = kDestinations ? kDestinations : call.destination_count;
  std::size_t at = 0;
  for (; call.bytes - at >= kVectors * kStep; at += kVectors * kStep) {
    reduce_block<kVectors>(policy, call, sources, destinations, at);
  }
  for (; call.bytes - at >= kStep; at += kStep) {
    reduce_block<1>(policy, call, sources, destinations, at);
  }
  if (at < call.bytes) reduce_rest(policy, call, at);
}

template <class P>
HWY_INLINE void reduce_with(const ReduceCall& call) {
  const P policy(call);
  if constexpr (P::kHot) {
    if (call.source_count == 2 && call.destination_count == 1) {
      return reduce_sized<2, 1>(policy, call);
    }
    if (call.source_count == 2 && call.destination_count == 2) {
      return reduce_sized<2, 2>(policy, call);
    }
  }
  reduce_sized<0, 0>(policy, call);
}

}  // namespace HWY_NAMESPACE
}  // namespace tutti::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
