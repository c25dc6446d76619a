// The two-shot reduction when some buffer cannot be read by peers. In steps of K elements of every
// share: copy what others reduce to my staging; reduce my part out of theirs; where others need it,
// leave the result in my staging for them to fetch.
//
// While marks travel there is something to do: the order is
//   in(0) | reduce(0) in(1) out(0) | reduce(1) in(2) out(1) | ...
// with kReady c + 1 raised after in(c) and awaited before reduce(c), kDone c + 1 raised after
// reduce(c) and awaited before out(c).
//
// Staging of a step is one of three buffers: R inputs and an output. A rank raises kReady of step c
// after its out(c - 2); so who has seen everybody's may write in(c + 1) over step c - 2.
#include <algorithm>
#include <cstring>

#include "collectives/per_rank.hpp"
#include "collectives/shares.hpp"
#include "collectives/two_shot.hpp"
#include "kernels/copy.hpp"
#include "kernels/reduce.hpp"
#include "kernels/shared_copy.hpp"

namespace tutti {

namespace {

constexpr std::size_t kBuffers = 3;

class StagedReduction {
 public:
  StagedReduction(const Operation& operation, const Request& request,
                  std::span<const std::uint64_t> scales)
      : operation_(operation),
        channel_(operation.channel()),
        request_(request),
        scales_(scales),
        shares_(request, operation.ranks()),
        self_(operation.rank()),
        ranks_(operation.ranks()),
        size_(request.element_bytes()),
        staging_(operation.claim_staging()),
        buffer_bytes_(staging_.size() / kBuffers & ~std::size_t{63}) {
    const std::size_t parts = static_cast<std::size_t>(ranks_) + 1;
    part_bytes_ = buffer_bytes_ / parts;
    // Hundreds of ranks have no line each in there: whole elements then.
    part_bytes_ &= part_bytes_ >= sizeof(Line) ? ~std::size_t{63} : ~std::size_t{7};
    step_count_ = part_bytes_ / size_;
  }

  void run() {
    const std::size_t steps = (shares_.largest() + step_count_ - 1) / step_count_;
    const bool gives = distributes() && !(request_is_rooted() && self_ == request_.root);
    const bool takes = distributes() && shares_.needed_by(self_, (self_ + 1) % ranks_);
    if (steps != 0) bring(0);
    for (std::size_t step = 0; step < steps; ++step) {
      await(Phase::kReady, mark_of(step));
      reduce(step);
      if (gives) {
        operation_.charge(LocalWork::sync());
        operation_.post_to_others(Phase::kDone, mark_of(step));
      }
      if (step + 1 < steps) bring(step + 1);
      if (!takes) continue;
      await(Phase::kDone, mark_of(step));
      copy_out(step);
    }
  }

 private:
  bool request_is_rooted() const { return request_.kind == OperationKind::kReduce; }
  bool distributes() const {
    return request_.kind == OperationKind::kAllReduce || request_is_rooted();
  }

  // The elements of `owner`'s share in this step, relative to the share.
  Share part(Rank owner, std::size_t step) const {
    const std::size_t count = shares_.of(owner).count;
    const std::size_t first = std::min(step * step_count_, count);
    return {first, std::min(step_count_, count - first)};
  }
  std::size_t input_offset(std::size_t step, Rank owner) const {
    return step % kBuffers * buffer_bytes_ + static_cast<std::size_t>(owner) * part_bytes_;
  }
  std::size_t output_offset(std::size_t step) const { return input_offset(step, ranks_); }

  static unsigned mark_of(std::size_t step) { return static_cast<unsigned>(step + 1); }

  void bring(std::size_t step) {
    copy_in(step);
    operation_.post_to_others(Phase::kReady, mark_of(step));
  }

  void copy_in(std::size_t step) {
    kernels::SharedCopy staging(channel_.gauge(), buffer_bytes_);
    for (Rank owner = 0; owner < ranks_; ++owner) {
      if (owner == self_) continue;
      const Share slice = part(owner, step);
      const std::byte* const from = request_.send + (shares_.of(owner).first + slice.first) * size_;
      const std::size_t bytes = slice.count * size_;
      std::byte* const to = staging_.data() + input_offset(step, owner);
      channel_.touches(Write{to, bytes});
      if (channel_.moves(Read{from, bytes})) staging.copy(to, from, bytes);
      operation_.charge(LocalWork::copy(bytes));
    }
  }

  void reduce(std::size_t step) {
    const Share slice = part(self_, step);
    if (slice.count == 0) return;
    const std::size_t bytes = slice.count * size_;
    PerRank<const std::byte*> sources(ranks_);
    sources[self_] = request_.send + (shares_.of(self_).first + slice.first) * size_;
    PerRank<View> views(ranks_);
    for (int i = 1; i < ranks_; ++i) {
      views[i - 1] = {.peer = (self_ + i) % ranks_,
                      .offset = input_offset(step, self_),
                      .bytes = bytes,
                      .data = nullptr};
    }
    const auto others = views.all().first(static_cast<std::size_t>(ranks_) - 1);
    operation_.view_staging(others);
    for (const View& view : others) sources[view.peer] = view.data;
    // Into my own buffer where I need it too, and from there, still in the cache, to staging.
    std::byte* const staged = staging_.data() + output_offset(step);
    std::byte* const destination =
        shares_.needed_by(self_, self_)
            ? request_.recv + (shares_.place(self_) + slice.first) * size_
            : staged;
    channel_.touches(Reads{sources.all(), bytes});
    const bool moves = channel_.moves(Read{sources[self_], bytes}, Write{destination, bytes});
    if (moves) {
      kernels::reduce({.type = request_.type, .op = request_.reducer.op, .divisor = ranks_},
                      {&destination, 1}, sources.all(), slice.count, scales_);
    }
    operation_.charge(LocalWork::reduce(static_cast<std::size_t>(ranks_) * bytes));
    if (request_.kind == OperationKind::kAllReduce) {
      channel_.touches(Write{staged, bytes});
      if (moves) {
        kernels::SharedCopy(channel_.gauge(), buffer_bytes_).copy(staged, destination, bytes);
      }
      operation_.charge(LocalWork::copy(bytes));
    }
  }

  void copy_out(std::size_t step) {
    PerRank<View> views(ranks_);
    int count = 0;
    for (int i = 1; i < ranks_; ++i) {
      const Rank owner = (self_ + i) % ranks_;
      const std::size_t bytes = part(owner, step).count * size_;
      if (bytes == 0) continue;
      views[count++] = {
          .peer = owner, .offset = output_offset(step), .bytes = bytes, .data = nullptr};
    }
    const auto results = views.all().first(static_cast<std::size_t>(count));
    operation_.view_staging(results);
    for (const View& view : results) {
      const std::size_t first = shares_.place(view.peer) + part(view.peer, step).first;
      std::byte* const to = request_.recv + first * size_;
      channel_.touches(Read{view.data, view.bytes});
      if (channel_.moves(Write{to, view.bytes})) kernels::copy(to, view.data, view.bytes);
    }
  }

  void await(Phase phase, unsigned mark) const {
    for (Rank peer = 0; peer < ranks_; ++peer) {
      if (peer != self_) operation_.wait_step(peer, phase, mark);
    }
    operation_.charge(LocalWork::looks(static_cast<std::size_t>(ranks_) - 1));
  }

  const Operation& operation_;
  Channel& channel_;
  const Request& request_;
  std::span<const std::uint64_t> scales_;
  Shares shares_;
  Rank self_;
  int ranks_;
  std::size_t size_;
  std::span<std::byte> staging_;
  std::size_t buffer_bytes_;
  std::size_t part_bytes_ = 0;
  std::size_t step_count_ = 0;  // elements of each share in a step
};

}  // namespace

void two_shot_staged(const Operation& operation, const Request& request,
                     std::span<const std::uint64_t> scales) {
  StagedReduction(operation, request, scales).run();
}

}  // namespace tutti
