// The operations on MPI; the same source is compiled against Open MPI and MPICH.
#pragma once

#include "perf/peers/peer.hpp"

namespace tutti::perf {

class MpiPeer final : public Peer {
 public:
  // MPI must be initialised. Errors abort, as MPI does by default.
  MpiPeer();

  int rank() const override { return rank_; }
  int ranks() const override { return ranks_; }
  std::string name() const override;
  std::string version() const override;
  std::string transport() const override { return "shm"; }

  void barrier() override;
  void broadcast(float* buffer, std::size_t count) override;
  void all_reduce(const float* in, float* out, std::size_t count) override;
  void all_gather(const float* in, float* out, std::size_t in_count) override;
  void reduce_scatter(const float* in, float* out, std::size_t out_count) override;
  void all_to_all(const float* in, float* out, std::size_t per_peer) override;
  void exchange_counts(const int* in, int* out, std::size_t per_peer) override;
  void all_to_allv(const void* in, const Parts& in_parts, void* out,
                   const Parts& out_parts) override;
  std::vector<double> gather(std::span<const double> values) override;

 private:
  int rank_ = 0;
  int ranks_ = 1;
};

}  // namespace tutti::perf
