#include "communicator/setup_exchange.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "channel/rank_list.hpp"
#include "communicator/setup_board.hpp"

namespace tutti {

namespace {

// A member that stopped in the middle of an exchange that failed holds the next one up for this
// part of the timeout; its others then still have time to come.
constexpr int kSettlePart = 2;

std::size_t at(Rank rank) { return static_cast<std::size_t>(rank); }

}  // namespace

// Why a rank withdrew, on its second board.
struct SetupExchange::Reason {
  static constexpr std::size_t kCulprits = 200;
  std::int32_t code;
  std::uint32_t culprit_count;
  std::int32_t culprits[kCulprits];
};

class SetupExchange::Subject final : public WaitSubject {
 public:
  explicit Subject(const SetupExchange& exchange) : exchange_(exchange) {}
  void missing(std::vector<Rank>& ranks) const override {
    for (const Rank member : exchange_.members_) {
      if (!exchange_.shows(member, exchange_.filled())) ranks.push_back(member);
    }
  }
  void check(const std::vector<Rank>& missing, const std::vector<Rank>& gone) const override {
    exchange_.check(missing, gone);
  }
  void expire(const std::vector<Rank>& missing, Nanoseconds waited) const override {
    exchange_.expire(missing, waited);
  }

 private:
  const SetupExchange& exchange_;
};

SetupExchange::SetupExchange(Channel& parent, SetupState& state, std::vector<Rank> members,
                             SetupPurpose purpose, std::string what)
    : parent_(parent),
      state_(state),
      members_(std::move(members)),
      what_(std::move(what)),
      told_to_all_(purpose == SetupPurpose::kShrink) {
  static_assert(sizeof(Reason) <= SetupBoard::kPartBytes);
  const auto self = std::find(members_.begin(), members_.end(), parent.rank());
  if (self == members_.end()) {
    fail(tuttiInternalError, "rank {} is no member of {}", parent.rank(), what_);
  }
  rank_ = static_cast<Rank>(self - members_.begin());
  tag_.key = SetupTag::key_of(purpose, members_);
  tag_.meeting = ++state_.meetings_[tag_.key];
  before_.resize(at(parent.ranks()));
  look_at_lines(before_);
  state_.seen_.resize(before_.size());
}

SetupExchange::~SetupExchange() {
  const KeepFibre keep;
  if (!complete_) withdraw();
  state_.disagreed_ = !complete_ && failure_.code() == tuttiMismatch;
}

void SetupExchange::look_at_lines(std::vector<std::uint64_t>& values) const noexcept {
  for (Rank rank = 0; rank < parent_.ranks(); ++rank) values[at(rank)] = mark_of(rank).value();
}

SetupMark SetupExchange::mark_of(Rank rank) const noexcept {
  const Line& line = parent_.own_line(parent_.layout().setup_line(rank));
  const std::uint64_t value = line.value.load(std::memory_order_acquire);
  // Of this value or a later one, which SetupMark tells apart.
  const std::uint64_t stamp =
      std::atomic_ref(const_cast<std::uint64_t&>(line.stamp)).load(std::memory_order_relaxed);
  return SetupMark::of(value, stamp);
}

SetupExchange::Reason SetupExchange::reason_of(Rank member, const SetupMark& withdrawal) const {
  Reason reason{.code = tuttiRemoteError, .culprit_count = 0, .culprits = {}};
  // Where it has withdrawn again meanwhile, or is gone, that it gave up is all there is to say.
  try {
    const auto board = parent_.control().view(member, parent_.layout().reasons_offset(),
                                              ControlLayout::kBoardBytes);
    static_cast<void>(
        SetupBoard::read(board, withdrawal.value(), std::as_writable_bytes(std::span(&reason, 1))));
  } catch (const Error&) {
    return reason;
  }
  reason.culprit_count = std::min<std::uint32_t>(reason.culprit_count, Reason::kCulprits);
  return reason;
}

bool SetupExchange::shows(Rank member, std::uint16_t mark) const noexcept {
  if (member == parent_.rank()) return true;
  const SetupMark seen = mark_of(member);
  return seen.tag == tag_ && seen.reached(mark);
}

void SetupExchange::all_gather(std::span<const std::byte> mine, std::span<std::byte> all) {
  check_all_gather(*this, mine, all);
  try {
    std::size_t from = 0;
    do {
      const auto part = mine.subspan(from, std::min(mine.size() - from, SetupBoard::kPartBytes));
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
  if (filled() + 1 >= SetupMark::kWithdrawn) {
    fail(tuttiInternalError, "the set-up of {} has no end", what_);
  }
  settle();
  announce(part, bytes);
  await(part, bytes);
  std::vector<View> boards;
  for (const Rank member : members_) {
    // Where nobody brings anything, marks say all there is to know, and who has seen them may go,
    // and its board with it.
    if (member == parent_.rank() || bytes == 0) continue;
    boards.push_back({.peer = member,
                      .offset = parent_.layout().board_offset(),
                      .bytes = ControlLayout::kBoardBytes,
                      .data = nullptr});
  }
  try {
    parent_.control().view(boards);
  } catch (const Error& error) {
    check({}, error.culprits());  // it has died, perhaps, and its board with it
    throw;
  }
  auto board = boards.begin();
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const auto to = all.subspan(i * bytes + from, part.size());
    if (members_[i] == parent_.rank()) {
      std::copy(part.begin(), part.end(), to.begin());
    } else {
      if (bytes != 0) read_board(*board++, bytes, to);
      state_.readers_.push_back({members_[i], tag_.value(filled())});
    }
  }
  ++round_;
  look_at_lines(state_.seen_);
  post_to_members(static_cast<std::uint16_t>(2 * round_));
}

void SetupExchange::settle() {
  auto& readers = state_.readers_;
  const auto reads = [&](const SetupState::Reader& reader) {
    // Acquire pairs with the release of the member's "I have read".
    return mark_of(reader.member).value() == reader.shown &&
           parent_.transport().peer_state(reader.member) == PeerState::kAlive;
  };
  class Settling final : public WaitSubject {
   public:
    explicit Settling(Channel& channel) : channel_(channel) {}
    void missing(std::vector<Rank>&) const override {}
    void check(const std::vector<Rank>&, const std::vector<Rank>&) const override {
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

void SetupExchange::announce(std::span<const std::byte> part, std::size_t bytes) {
  const auto board = parent_.control().local().subspan(parent_.layout().board_offset(),
                                                       ControlLayout::kBoardBytes);
  SetupBoard::write(board, tag_.value(filled()), bytes, part);
  post_to_members(filled());
  if (!told_to_all_ || round_ != 0) return;
  for (Rank rank = 0; rank < parent_.ranks(); ++rank) {
    const bool is_member = std::find(members_.begin(), members_.end(), rank) != members_.end();
    if (!is_member && parent_.transport().peer_state(rank) == PeerState::kAlive) {
      post(rank, filled(), false);
    }
  }
}

void SetupExchange::await(std::span<const std::byte> part, std::size_t bytes) {
  std::size_t next = 0;
  parent_.waiter().until(parent_.own_bell(), Subject(*this), [&] {
    while (next < members_.size()) {
      if (shows(members_[next], filled())) {
        ++next;
      } else if (round_ == 0 && joins_later_meeting(members_[next])) {
        announce(part, bytes);
        next = 0;
      } else {
        // Where all ranks are fibres that sleep, nothing else makes this one look.
        if (parent_.waiter().limits().waiting == Waiting::kPark) check_news();
        return false;
      }
    }
    return true;
  });
}

// Who has not moved since this rank did may not have heard yet that it gave an earlier one up.
void SetupExchange::check_news() const {
  std::vector<Rank> missing;
  for (const Rank member : members_) {
    const bool moved = mark_of(member).value() != state_.seen_[at(member)];
    if (moved && !shows(member, filled())) missing.push_back(member);
  }
  if (!missing.empty()) check(missing, {});
}

bool SetupExchange::joins_later_meeting(Rank member) {
  const SetupMark seen = mark_of(member);
  if (seen.withdrawn() || !tag_.is_before(seen.tag)) return false;
  tag_ = seen.tag;
  state_.meetings_[tag_.key] = tag_.meeting;
  return true;
}

void SetupExchange::read_board(const View& board, std::size_t bytes, std::span<std::byte> to) {
  const Rank member = board.peer;
  const auto theirs = SetupBoard::read({board.data, board.bytes}, tag_.value(filled()), to);
  if (!theirs) {
    fail_because_of({member}, tuttiRemoteError, "rank {} of \"{}\" gave the set-up of {} up",
                    member, parent_.name(), what_);
  }
  if (*theirs != bytes) {
    fail_because_of({member}, tuttiInternalError,
                    "rank {} of \"{}\" brought {} bytes to the set-up of {}, this rank brought {}",
                    member, parent_.name(), *theirs, what_, bytes);
  }
}

void SetupExchange::post(Rank rank, std::uint16_t mark, bool is_member) {
  LineContent content{};
  content.stamp = tag_.stamp(is_member);
  parent_.control().post(rank, parent_.layout().setup_line(parent_.rank()), tag_.value(mark),
                         content);
}

void SetupExchange::post_to_members(std::uint16_t mark) {
  for (const Rank member : members_) {
    if (member != parent_.rank()) post(member, mark, true);
  }
}

void SetupExchange::withdraw() {
  Reason reason{.code = failure_.code(), .culprit_count = 0, .culprits = {}};
  const auto count = std::min(failure_.culprits().size(), Reason::kCulprits);
  reason.culprit_count = static_cast<std::uint32_t>(count);
  std::copy_n(failure_.culprits().begin(), count, reason.culprits);
  const auto mark = static_cast<std::uint16_t>(SetupMark::kWithdrawn | 2 * round_);
  const auto board = parent_.control().local().subspan(parent_.layout().reasons_offset(),
                                                       ControlLayout::kBoardBytes);
  SetupBoard::write(board, tag_.value(mark), sizeof(reason), std::as_bytes(std::span(&reason, 1)));
  look_at_lines(state_.seen_);
  post_to_members(mark);
}

void SetupExchange::check(const std::vector<Rank>& missing, const std::vector<Rank>& gone) const {
  if (parent_.cancelled()) fail(tuttiAborted, "\"{}\" was aborted on this rank", parent_.name());
  check_parent();
  for (const PeerState state : {PeerState::kDead, PeerState::kLeft}) {
    std::vector<Rank> culprits;
    std::copy_if(gone.begin(), gone.end(), std::back_inserter(culprits),
                 [&](Rank member) { return parent_.transport().peer_state(member) == state; });
    if (culprits.empty()) continue;
    fail_because_of(culprits, tuttiRemoteError,
                    "{} of \"{}\" {} and was needed in the set-up of {}", named(culprits),
                    parent_.name(), state == PeerState::kDead ? "died" : "left the communicator",
                    what_);
  }
  for (const Rank member : missing) {
    const SetupMark mark = mark_of(member);
    if (mark.withdrawn() && (mark.tag == tag_ || tag_.is_before(mark.tag)) &&
        concerns_this(member, mark)) {
      throw_withdrawal(member, mark);
    }
  }
  std::vector<Rank> strangers;
  std::copy_if(missing.begin(), missing.end(), std::back_inserter(strangers),
               [&](Rank member) { return differs(member); });
  if (strangers.empty()) return;
  fail_because_of(strangers, tuttiMismatch,
                  "ranks disagree about the set-up of {}: {} of \"{}\" set up something else, or "
                  "with other members than rank {}, whose members are {}",
                  what_, named(strangers), parent_.name(), parent_.rank(), named(members_));
}

// Members that leave because the parent has failed are not why it failed. A shrink is what follows.
void SetupExchange::check_parent() const {
  if (told_to_all_) return;
  if (const auto failure = parent_.transport().failure()) throw *failure;
}

bool SetupExchange::concerns_this(Rank member, const SetupMark& withdrawal) const {
  // The member could not begin this one before this rank's line moved on from the last.
  if (state_.seen_[at(member)] == withdrawal.value()) return false;
  const Reason reason = reason_of(member, withdrawal);
  if (reason.code != tuttiMismatch) return true;
  // Who means the same members as this rank cannot mean this call when it blames this rank. Nor
  // need it if this rank has failed with other members and brings these for the first time.
  const auto* const end = reason.culprits + reason.culprit_count;
  const bool blamed = std::find(reason.culprits, end, parent_.rank()) != end;
  const bool corrected = state_.disagreed_ && tag_.meeting == 1;
  return !blamed && !corrected;
}

bool SetupExchange::differs(Rank member) const {
  const SetupMark mark = mark_of(member);
  if (mark.tag.key == tag_.key || !mark.includes_reader()) return false;
  if (mark.waits()) return true;
  return mark.withdrawn() && mark.value() != before_[at(member)] &&
         reason_of(member, mark).code == tuttiMismatch;
}

void SetupExchange::throw_withdrawal(Rank member, const SetupMark& withdrawal) const {
  state_.meetings_[tag_.key] = withdrawal.tag.meeting;  // the member's next one follows it
  const Reason reason = reason_of(member, withdrawal);
  std::vector<Rank> culprits(reason.culprits, reason.culprits + reason.culprit_count);
  if (culprits.empty()) {
    check_parent();
    culprits.push_back(member);
  }
  const auto cause = static_cast<tuttiResult_t>(reason.code);
  const bool shared = cause == tuttiTimeout || cause == tuttiMismatch;
  fail_because_of(culprits, shared ? cause : tuttiRemoteError,
                  "rank {} gave the set-up of {} up because of {} of \"{}\": {}", member, what_,
                  named(culprits), parent_.name(), tuttiGetErrorString(cause));
}

void SetupExchange::expire(const std::vector<Rank>& missing, Nanoseconds waited) const {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(waited).count();
  std::vector<Rank> elsewhere;
  std::copy_if(missing.begin(), missing.end(), std::back_inserter(elsewhere),
               [&](Rank member) { return mark_of(member).excludes_reader(); });
  if (!elsewhere.empty()) {
    fail_because_of(elsewhere, tuttiMismatch,
                    "ranks disagree about the set-up of {}: it waited {} ms for {} of \"{}\", "
                    "which shrank without rank {}",
                    what_, ms, named(elsewhere), parent_.name(), parent_.rank());
  }
  fail_because_of(missing, tuttiTimeout,
                  "the set-up of {} waited {} ms for {} of \"{}\", which did not call it", what_,
                  ms, named(missing), parent_.name());
}

}  // namespace tutti
