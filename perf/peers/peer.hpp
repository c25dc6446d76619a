// What a peer library must offer to be measured: the operations, and the little the measuring
// itself needs.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace tutti::perf {

// Where the part for each rank lies in a buffer, in bytes; int because MPI counts so.
struct Parts {
  std::vector<int> counts;
  std::vector<int> displacements;
};

// One rank of a world of a peer library. Every call is collective; buffers do not overlap.
class Peer {
 public:
  virtual ~Peer() = default;

  virtual int rank() const = 0;
  virtual int ranks() const = 0;
  virtual std::string name() const = 0;
  virtual std::string version() const = 0;
  virtual std::string transport() const = 0;

  virtual void barrier() = 0;
  virtual void broadcast(float* buffer, std::size_t count) = 0;  // root 0, in place
  virtual void all_reduce(const float* in, float* out, std::size_t count) = 0;
  virtual void all_gather(const float* in, float* out, std::size_t in_count) = 0;
  virtual void reduce_scatter(const float* in, float* out, std::size_t out_count) = 0;
  virtual void all_to_all(const float* in, float* out, std::size_t per_peer) = 0;
  // `in` and `out` are [ranks, per_peer].
  virtual void exchange_counts(const int* in, int* out, std::size_t per_peer) = 0;
  virtual void all_to_allv(const void* in, const Parts& in_parts, void* out,
                           const Parts& out_parts) = 0;
  // Every rank's values on every rank, [ranks, values.size()].
  virtual std::vector<double> gather(std::span<const double> values) = 0;
};

}  // namespace tutti::perf
