#include "transports/shm/control_memory.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/futex.hpp"
#include "memory/shared_file.hpp"
#include "topology/placement.hpp"
#include "transports/shm/agreement.hpp"
#include "transports/shm/shared_mappings.hpp"

namespace tutti::shm {

namespace {
// Up to this size every rank maps all of it at once, or the first lap through the slots pays for
// the faults: 250 ns a page and rank. 64 ranks and more would pay for pages they never touch.
constexpr std::size_t kPopulateBytes = std::size_t{96} << 20;
constexpr std::size_t kPage = 4096;
}  // namespace

ControlMemory::ControlMemory(Bootstrap& bootstrap, const ControlSegment& segment)
    : ranks_(bootstrap.ranks()),
      segment_bytes_(segment.bytes),
      front_bytes_((segment.front_bytes + kPage - 1) / kPage * kPage) {
  const std::size_t board_bytes = Board::bytes(ranks_);
  const std::size_t total = board_bytes + static_cast<std::size_t>(ranks_) * segment_bytes_;
  const Rank rank = bootstrap.rank();
  Agreement made(bootstrap, "making the control window");
  made.attempt([&] {
    if (rank == 0) file_ = create_shared("tutti-control", total);
  });
  const SharedFileHandle mine = file_ ? handle_of(file_) : SharedFileHandle{};
  const SharedFileHandle everyones = all_gather_value(bootstrap, mine)[0];
  made.conclude();

  Agreement mapped(bootstrap, "mapping the control window");
  mapped.attempt([&] {
    mapping_ = SharedMappings::of_this_process().map(everyones, "the control window");
    first_segment_ = mapping_->data() + board_bytes;
    // Backed now, so that shortage is an error here and not a fault later; by the rank that owns
    // the segment, and near it.
    place_near_this_thread(this->segment(rank), segment_bytes_);
    const Descriptor descriptor = open_shared(everyones);
    if (rank == 0) back_with_memory(descriptor, 0, board_bytes, "the control window's board");
    back_with_memory(descriptor, board_bytes + static_cast<std::size_t>(rank) * segment_bytes_,
                     segment_bytes_, "a control segment");
    if (total > kPopulateBytes) gather_fronts(everyones, board_bytes);
  });
  mapped.conclude();
  if (total <= kPopulateBytes) {
    first_front_ = first_segment_;
    front_stride_ = segment_bytes_;
    populate(mapping_->data(), total, Touch::kWrite);
  } else {
    // Its own lines, which it reads in every operation, and rank 0's, where assemblies meet.
    for (const Rank each : {rank, 0}) populate(this->segment(each), segment_bytes_, Touch::kWrite);
  }
  file_.close();  // everybody has mapped it
}

void ControlMemory::gather_fronts(const SharedFileHandle& file, std::size_t first_segment) {
  fronts_ = SharedMappings::of_this_process().gather(file,
                                                     {.first = first_segment,
                                                      .stride = segment_bytes_,
                                                      .bytes = front_bytes_,
                                                      .count = static_cast<std::size_t>(ranks_)},
                                                     "the fronts of the control window");
  first_front_ = fronts_->data();
  front_stride_ = front_bytes_;
}

PeerState ControlMemory::state(Rank rank) const noexcept {
  return static_cast<PeerState>(board().peer_states[rank].load(std::memory_order_acquire));
}

void ControlMemory::mark(Rank rank, PeerState state) noexcept {
  auto expected = static_cast<std::uint32_t>(PeerState::kAlive);
  if (!board().peer_states[rank].compare_exchange_strong(
          expected, static_cast<std::uint32_t>(state), std::memory_order_acq_rel)) {
    return;
  }
  board().marks.fetch_add(1, std::memory_order_acq_rel);
  alarm_everyone();
}

void ControlMemory::record(const Error& error) noexcept {
  FailureRecord& failure = board().failure;
  std::uint32_t expected = FailureRecord::kNone;
  if (!failure.state.compare_exchange_strong(expected, FailureRecord::kWriting,
                                             std::memory_order_acq_rel)) {
    return;
  }
  failure.code = error.code();
  failure.culprit_count =
      static_cast<std::uint32_t>(std::min(error.culprits().size(), FailureRecord::kMaxCulprits));
  std::copy_n(error.culprits().begin(), failure.culprit_count, failure.culprits.begin());
  const std::string_view text = error.what();
  std::copy_n(text.begin(), std::min(text.size(), FailureRecord::kTextBytes - 1),
              failure.text.begin());
  failure.state.store(FailureRecord::kReady, std::memory_order_release);
  alarm_everyone();
}

std::optional<Error> ControlMemory::recorded() const {
  const FailureRecord& failure = board().failure;
  if (failure.state.load(std::memory_order_acquire) != FailureRecord::kReady) return std::nullopt;
  return Error(static_cast<tuttiResult_t>(failure.code), failure.text.data(),
               {failure.culprits.begin(), failure.culprits.begin() + failure.culprit_count});
}

void ControlMemory::alarm_everyone() const noexcept {
  const auto wake = [](Doorbell& bell) {
    bell.ring.fetch_add(1, std::memory_order_seq_cst);
    futex_wake_all(bell.ring);
  };
  for (Rank rank = 0; rank < ranks_; ++rank) {
    // seq_cst: before the ring; a sleeper looks at its alarm after it has announced itself.
    own_bell(rank).alarm.store(1, std::memory_order_seq_cst);
    wake(own_bell(rank));
  }
  wake(shared_bell());
}

}  // namespace tutti::shm
