#include "communicator/setup_exchange.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.hpp"

namespace tutti {

namespace {

constexpr std::uint64_t kMarkMask = 0xFFFF;
constexpr std::uint64_t kWithdrawn = kMarkMask;
// A member that stopped in the middle of an exchange that failed holds the next one up for this
// part of the timeout; its others then still have time to come.
constexpr int kSettlePart = 2;

// What precedes a part of a blob on a board.
struct BoardHeader {
  std::uint64_t value;  // of the line that announces it
  std::uint64_t bytes;  // of the whole blob
};
constexpr std::size_t kPartBytes = ControlLayout::kBoardBytes - sizeof(BoardHeader);

constexpr int kTagShift = 16;
constexpr std::size_t kMemberBits = 48;
std::size_t index_of(Rank rank) { return static_cast<std::size_t>(rank) % kMemberBits; }

// FNV-1a, a word at a time.
std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  for (int byte = 0; byte < 8; ++byte, word >>= 8) {
    hash = (hash ^ (word & 0xFF)) * 0x100000001B3u;
  }
  return hash;
}

std::uint64_t hash_of(SetupPurpose purpose, const std::vector<Rank>& members) {
  std::uint64_t hash = mix(0xCBF29CE484222325u, static_cast<std::uint64_t>(purpose));
  for (const Rank member : members) hash = mix(hash, static_cast<std::uint64_t>(member));
  return hash;
}

std::string list(const std::vector<Rank>& ranks) {
  return fmt::format("{} {}", ranks.size() == 1 ? "rank" : "ranks", fmt::join(ranks, ", "));
}

}  // namespace

// The payload of a withdrawn line.
struct SetupExchange::Withdrawal {
  static constexpr std::size_t kCulprits = 9;
  std::uint32_t reached;  // the mark of the last round that the rank has read, or 0
  std::int32_t code;
  std::uint32_t culprit_count;
  std::int32_t culprits[kCulprits];
};

class SetupExchange::Subject final : public WaitSubject {
 public:
  Subject(const SetupExchange& exchange, std::uint64_t mark) : exchange_(exchange), mark_(mark) {}
  void missing(std::vector<Rank>& ranks) const override {
    for (const Rank member : exchange_.members_) {
      if (!exchange_.shows(member, mark_)) ranks.push_back(member);
    }
  }
  void check(const std::vector<Rank>& missing) const override { exchange_.check(missing); }
  void expire(const std::vector<Rank>& missing, Nanoseconds waited) const override {
    fail_because_of(missing, tuttiTimeout,
                    "the set-up of {} waited {} ms for {} of \"{}\", which did not call it",
                    exchange_.what_,
                    std::chrono::duration_cast<std::chrono::milliseconds>(waited).count(),
                    list(missing), exchange_.parent_.name());
  }

 private:
  const SetupExchange& exchange_;
  std::uint64_t mark_;
};

SetupExchange::SetupExchange(Channel& parent, SetupState& state, std::vector<Rank> members,
                             SetupPurpose purpose, std::string what)
    : parent_(parent), state_(state), members_(std::move(members)), what_(std::move(what)) {
  static_assert(sizeof(Withdrawal) <= LineContent::kPayloadBytes);
  const auto self = std::find(members_.begin(), members_.end(), parent.rank());
  if (self == members_.end()) {
    fail(tuttiInternalError, "rank {} is no member of {}", parent.rank(), what_);
  }
  rank_ = static_cast<Rank>(self - members_.begin());
  const std::uint64_t hash = hash_of(purpose, members_);
  tag_ = mix(hash, ++state_.meetings_[hash]) >> 16;
  for (const Rank member : members_) {
    before_.push_back(line_of(member).value.load(std::memory_order_acquire));
  }
  stamp_ = stamp_of_members();
}

SetupExchange::~SetupExchange() {
  if (complete_) return;
  Withdrawal withdrawal{};
  withdrawal.reached = static_cast<std::uint32_t>(2 * round_);
  withdrawal.code = failure_.code();
  const auto count = std::min(failure_.culprits().size(), Withdrawal::kCulprits);
  withdrawal.culprit_count = static_cast<std::uint32_t>(count);
  std::copy_n(failure_.culprits().begin(), count, withdrawal.culprits);
  LineContent content;
  std::memcpy(content.payload, &withdrawal, sizeof(withdrawal));
  content.stamp = stamp_;
  for (const Rank member : members_) {
    if (member == parent_.rank()) continue;
    parent_.control().post(member, parent_.layout().setup_line(parent_.rank()), value(kWithdrawn),
                           content);
  }
}

const Line& SetupExchange::line_of(Rank member) const noexcept {
  return parent_.own_line(parent_.layout().setup_line(member));
}

bool SetupExchange::shows(Rank member, std::uint64_t mark) const noexcept {
  if (member == parent_.rank()) return true;
  // Acquire pairs with the release in Window::post, by post() on the member.
  const Line& line = line_of(member);
  const std::uint64_t seen = line.value.load(std::memory_order_acquire);
  if (seen >> 16 != tag_) return false;
  if (seen != value(kWithdrawn)) return (seen & kMarkMask) >= mark;
  Withdrawal withdrawal{};
  std::memcpy(&withdrawal, line.payload, sizeof(withdrawal));
  return withdrawal.reached >= mark;
}

void SetupExchange::all_gather(std::span<const std::byte> mine, std::span<std::byte> all) {
  check_all_gather(*this, mine, all);
  try {
    std::size_t from = 0;
    do {
      const auto part = mine.subspan(from, std::min(mine.size() - from, kPartBytes));
      round(part, mine.size(), from, all);
      from += part.size();
    } while (from < mine.size());
  } catch (const Error& error) {
    failure_ = error;
    throw;
  }
}

void SetupExchange::round(std::span<const std::byte> part, std::size_t bytes, std::size_t from,
                          std::span<std::byte> all) {
  const std::uint64_t here = 2 * round_ + 1;
  if (here + 1 >= kWithdrawn) fail(tuttiInternalError, "the set-up of {} has no end", what_);
  settle();
  write_board(part, bytes);
  post(here);
  await(here);
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const auto to = all.subspan(i * bytes + from, part.size());
    if (members_[i] == parent_.rank()) {
      std::copy(part.begin(), part.end(), to.begin());
    } else {
      read_board(members_[i], bytes, to);
      state_.readers_.push_back({members_[i], value(here)});
    }
  }
  post(here + 1);
  ++round_;
}

void SetupExchange::settle() {
  auto& readers = state_.readers_;
  const auto reads = [&](const SetupState::Reader& reader) {
    // Acquire pairs with the release of the member's "I have read".
    return line_of(reader.member).value.load(std::memory_order_acquire) == reader.shown &&
           parent_.transport().peer_state(reader.member) == PeerState::kAlive;
  };
  class Settling final : public WaitSubject {
   public:
    explicit Settling(Channel& channel) : channel_(channel) {}
    void missing(std::vector<Rank>&) const override {}
    void check(const std::vector<Rank>&) const override {
      if (channel_.cancelled())
        fail(tuttiAborted, "\"{}\" was aborted on this rank", channel_.name());
    }
    // Past the limit: its exchange has failed here, and so fails there.
    void expire(const std::vector<Rank>&, Nanoseconds) const override {
      fail(tuttiTimeout, "unread boards");
    }

   private:
    Channel& channel_;
  };
  WaitLimits limits = parent_.waiter().limits();
  limits.timeout /= kSettlePart;
  Waiter waiter(parent_.transport(), parent_.own_bell(), limits);
  try {
    waiter.until(parent_.own_bell(), Settling(parent_), [&] {
      while (!readers.empty() && !reads(readers.back())) readers.pop_back();
      return readers.empty();
    });
  } catch (const Error& error) {
    if (error.code() != tuttiTimeout) throw;
  }
  readers.clear();
}

void SetupExchange::write_board(std::span<const std::byte> part, std::size_t bytes) {
  const BoardHeader header{.value = value(2 * round_ + 1), .bytes = bytes};
  std::byte* const board = parent_.control().local().data() + parent_.layout().board_offset();
  std::memcpy(board, &header, sizeof(header));
  std::copy(part.begin(), part.end(), board + sizeof(header));
}

void SetupExchange::read_board(Rank member, std::size_t bytes, std::span<std::byte> to) {
  const auto board =
      parent_.control().view(member, parent_.layout().board_offset(), ControlLayout::kBoardBytes);
  BoardHeader header{};
  std::memcpy(&header, board.data(), sizeof(header));
  if (header.value != value(2 * round_ + 1)) {
    fail_because_of({member}, tuttiRemoteError, "rank {} of \"{}\" gave the set-up of {} up",
                    member, parent_.name(), what_);
  }
  if (header.bytes != bytes) {
    fail_because_of({member}, tuttiMismatch,
                    "rank {} of \"{}\" brought {} bytes to the set-up of {}, this rank brought {}",
                    member, parent_.name(), header.bytes, what_, bytes);
  }
  std::copy_n(board.begin() + sizeof(header), to.size(), to.begin());
}

void SetupExchange::post(std::uint64_t mark) {
  LineContent content{};
  content.stamp = stamp_;
  for (const Rank member : members_) {
    if (member == parent_.rank()) continue;
    parent_.control().post(member, parent_.layout().setup_line(parent_.rank()), value(mark),
                           content);
  }
}

void SetupExchange::await(std::uint64_t mark) {
  std::size_t next = 0;
  parent_.waiter().until(parent_.own_bell(), Subject(*this, mark), [&] {
    while (next < members_.size() && shows(members_[next], mark)) ++next;
    return next == members_.size();
  });
}

std::uint64_t SetupExchange::stamp_of_members() const {
  std::array<int, kMemberBits> missing{};
  for (Rank rank = 0; rank < parent_.ranks(); ++rank) ++missing[index_of(rank)];
  for (const Rank member : members_) --missing[index_of(member)];
  std::uint64_t members = 0;
  for (std::size_t i = 0; i < missing.size(); ++i) {
    members |= std::uint64_t{missing[i] == 0} << i;
  }
  return members << kTagShift | (tag_ & kMarkMask);
}

bool SetupExchange::differs(Rank member) const noexcept {
  const Line& line = line_of(member);
  // Acquire pairs with the release in Window::post. The line may be overwritten meanwhile, its
  // stamp before its value.
  const std::uint64_t seen = line.value.load(std::memory_order_acquire);
  const std::uint64_t stamp =
      std::atomic_ref(const_cast<std::uint64_t&>(line.stamp)).load(std::memory_order_relaxed);
  const std::uint64_t tag = seen >> 16;
  const bool means_us = (stamp >> kTagShift >> index_of(parent_.rank()) & 1) != 0;
  if (tag == tag_ || (tag & kMarkMask) != (stamp & kMarkMask) || !means_us) return false;
  if ((seen & kMarkMask) != kWithdrawn) return (seen & 1) != 0;
  const auto index = std::find(members_.begin(), members_.end(), member) - members_.begin();
  if (seen == before_[static_cast<std::size_t>(index)]) return false;
  Withdrawal withdrawal{};
  std::memcpy(&withdrawal, line.payload, sizeof(withdrawal));
  return withdrawal.code == tuttiMismatch;
}

void SetupExchange::check(const std::vector<Rank>& missing) const {
  if (parent_.cancelled()) fail(tuttiAborted, "\"{}\" was aborted on this rank", parent_.name());
  // The parent's failure does not concern us, but asking keeps the watch over its ranks going.
  static_cast<void>(parent_.transport().failure());
  for (const PeerState state : {PeerState::kDead, PeerState::kLeft}) {
    std::vector<Rank> culprits;
    std::copy_if(missing.begin(), missing.end(), std::back_inserter(culprits),
                 [&](Rank member) { return parent_.transport().peer_state(member) == state; });
    if (culprits.empty()) continue;
    fail_because_of(culprits, tuttiRemoteError,
                    "{} of \"{}\" {} and was needed in the set-up of {}", list(culprits),
                    parent_.name(), state == PeerState::kDead ? "died" : "left the communicator",
                    what_);
  }
  for (const Rank member : missing) {
    const Line& line = line_of(member);
    if (line.value.load(std::memory_order_acquire) == value(kWithdrawn)) {
      throw_withdrawal(member, line);
    }
  }
  std::vector<Rank> strangers;
  std::copy_if(missing.begin(), missing.end(), std::back_inserter(strangers),
               [&](Rank member) { return differs(member); });
  if (strangers.empty()) return;
  fail_because_of(strangers, tuttiMismatch,
                  "ranks disagree about the set-up of {}: {} of \"{}\" set up something else, or "
                  "with other members than rank {}, whose members are {}",
                  what_, list(strangers), parent_.name(), parent_.rank(), list(members_));
}

void SetupExchange::throw_withdrawal(Rank member, const Line& line) const {
  Withdrawal withdrawal{};
  std::memcpy(&withdrawal, line.payload, sizeof(withdrawal));
  const auto count = std::min<std::size_t>(withdrawal.culprit_count, Withdrawal::kCulprits);
  std::vector<Rank> culprits(withdrawal.culprits, withdrawal.culprits + count);
  if (culprits.empty()) culprits.push_back(member);
  const auto cause = static_cast<tuttiResult_t>(withdrawal.code);
  const bool shared = cause == tuttiTimeout || cause == tuttiMismatch;
  fail_because_of(culprits, shared ? cause : tuttiRemoteError,
                  "rank {} of \"{}\" gave the set-up of {} up: {} ({})", member, parent_.name(),
                  what_, tuttiGetErrorString(cause), list(culprits));
}

}  // namespace tutti
