// The operations on Gloo over TCP on the loopback interface, ranks meeting through files.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "perf/peers/peer.hpp"

namespace gloo {
class Context;
}

namespace tutti::perf {

class GlooPeer final : public Peer {
 public:
  struct Place {
    int rank;
    int ranks;
    std::string meeting_folder;  // empty at first, the same for every rank
  };
  // Connects to every other rank; throws when one does not come.
  explicit GlooPeer(const Place& place);
  ~GlooPeer() override;

  int rank() const override { return place_.rank; }
  int ranks() const override { return place_.ranks; }
  std::string name() const override { return "gloo"; }
  std::string version() const override;
  std::string transport() const override { return "tcp"; }

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
  const Place place_;
  std::shared_ptr<gloo::Context> context_;

  // Gloo's option objects register buffers; an engine keeps them from call to call, and so do we:
  // the last operation, with its buffers, runs again when it is asked for again.
  struct Prepared {
    int kind = -1;
    const void* in = nullptr;
    const void* out = nullptr;
    std::size_t count = 0;
    std::function<void()> run;
    bool operator==(const Prepared& other) const {
      return kind == other.kind && in == other.in && out == other.out && count == other.count;
    }
  };
  Prepared prepared_;
  void run_prepared(Prepared wanted, const std::function<std::function<void()>()>& prepare);
};

}  // namespace tutti::perf
