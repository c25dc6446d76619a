// Checks, then calls the embedder.
#include "bootstrap/callbacks.hpp"

#include <vector>

#include "base/error.hpp"

namespace tutti {

namespace {

class CallbackBootstrap final : public Bootstrap {
 public:
  CallbackBootstrap(int ranks, Rank rank, tuttiAllGatherFn allgather, void* user)
      : ranks_(ranks), rank_(rank), allgather_(allgather), user_(user) {}

  Rank rank() const noexcept override { return rank_; }
  int ranks() const noexcept override { return ranks_; }

  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    check_all_gather(*this, mine, all);
    if (mine.empty()) {
      // A meeting without data. An embedder's copy of zero bytes from NULL is not for us to ask
      // for.
      const std::byte nothing{};
      std::vector<std::byte> nothings(static_cast<std::size_t>(ranks_));
      all_gather({&nothing, 1}, nothings);
      return;
    }
    const int answer = allgather_(user_, mine.data(), all.data(), mine.size());
    if (answer != 0) {
      fail(tuttiRemoteError, "rank {}: the caller's all-gather of {} bytes returned {}", rank_,
           mine.size(), answer);
    }
  }

 private:
  const int ranks_;
  const Rank rank_;
  const tuttiAllGatherFn allgather_;
  void* const user_;
};

}  // namespace

std::unique_ptr<Bootstrap> make_callback_bootstrap(int ranks, Rank rank, tuttiAllGatherFn allgather,
                                                   void* user) {
  if (allgather == nullptr) fail(tuttiInvalidArgument, "the all-gather function is NULL");
  if (ranks < 1 || rank < 0 || rank >= ranks) {
    fail(tuttiInvalidArgument, "rank {} is outside a communicator of {} ranks", rank, ranks);
  }
  return std::make_unique<CallbackBootstrap>(ranks, rank, allgather, user);
}

}  // namespace tutti
