// How members of a communicator meet to set something up: an all-gather through the set-up boards
// and lines of the parent's control window, apart from operations and their slots.
//
// It works on a parent that has failed, because communicators are shrunk then: only a member that
// died or left, the deadline, and a cancel on this rank end it.
//
// Protocol. An exchange has a tag (setup_line.hpp): a key, of its purpose and its members, and how
// often these members met for it. In round r a rank
//   1. writes its blob to its own board,
//   2. posts mark 2r + 1 to every member,
//   3. waits until every member's line here shows the tag and a mark of at least 2r + 1,
//   4. reads their boards, unless all blobs are empty,
//   5. posts mark 2r + 2: "I have read".
// Step 2's post releases the board and the acquire of step 3 takes it; step 5's post releases the
// reads, and settle() acquires it before the next write.
//
// A board is overwritten, and a line is moved on, only when no member of the previous round still
// needs them: settle(), before every write, waits until the lines that showed 2r + 1 show anything
// else. So a rank never misses a mark because its peer is already in the next exchange.
//
// Ranks agree on the key without a word, and on the number of the meeting as long as their meetings
// end alike. Who failed in one that others did not even begin counts further than they do: in round
// 0 a rank that sees a later meeting of its key takes that number and posts again. Numbers only
// grow, so that all who wait end at the greatest.
//
// Members that disagree about who they are, or what they meet for, have different keys and would
// wait for each other. So a line says whether its reader is a member. A rank that waits for one
// which shows another key, waits itself, and counts this rank in, disagrees with it: were that
// exchange an earlier one, settle() would have kept this rank from moving its line on. The same
// goes for one that has withdrawn for such a mismatch since this exchange began. A shrink is told
// to ranks that are no members too; one of them that waits for a member in vain thus learns, at the
// deadline, that they disagree.
//
// A rank that gives up writes why to its second board and posts kWithdrawn: who waits for it need
// not wait for the deadline. A line moves on from there when the next exchange starts.
#pragma once

#include <map>
#include <string>
#include <tutti/error.hpp>
#include <vector>

#include "bootstrap/bootstrap.hpp"
#include "channel/channel.hpp"
#include "communicator/setup_line.hpp"

namespace tutti {

// What must outlast an exchange; one for each communicator, used by one call at a time.
class SetupState {
 private:
  friend class SetupExchange;

  struct Reader {
    Rank member;
    std::uint64_t shown;  // its line's value while it may read our board
  };
  std::vector<Reader> readers_;
  std::map<std::uint32_t, std::uint16_t> meetings_;  // the last one, by key
  std::vector<std::uint64_t> seen_;  // every rank's line before this rank's last mark
  bool disagreed_ = false;           // the last one ended in a mismatch
};

class SetupExchange final : public Bootstrap {
 public:
  // `members`: ranks of the parent, this one among them, the same list in the same order on each.
  // `what` ("\"split\"") is named in errors; culprits are ranks of the parent.
  // `parent` and `state` are used until the destructor returns.
  SetupExchange(Channel& parent, SetupState& state, std::vector<Rank> members, SetupPurpose purpose,
                std::string what);
  // Tells the others, unless complete() was called.
  ~SetupExchange() override;

  Rank rank() const noexcept override { return rank_; }
  int ranks() const noexcept override { return static_cast<int>(members_.size()); }
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override;

  // What the exchange was for is done.
  void complete() noexcept { complete_ = true; }

 private:
  class Subject;
  struct Reason;

  // The rank's line here. Acquire pairs with the release in Window::post, by that rank.
  SetupMark mark_of(Rank rank) const noexcept;
  // Every rank's.
  void look_at_lines(std::vector<std::uint64_t>& values) const noexcept;
  Reason reason_of(Rank member, const SetupMark& withdrawal) const;
  bool shows(Rank member, std::uint16_t mark) const noexcept;
  std::uint16_t filled() const noexcept { return static_cast<std::uint16_t>(2 * round_ + 1); }

  void round(std::span<const std::byte> part, std::size_t bytes, std::size_t from,
             std::span<std::byte> all);
  void settle();
  // Fills the board and posts that it is filled.
  void announce(std::span<const std::byte> part, std::size_t bytes);
  void await(std::span<const std::byte> part, std::size_t bytes);
  // As check(), of the members whose lines say something new.
  void check_news() const;
  // Is the member in a later meeting of this exchange? This rank then takes that one's number.
  bool joins_later_meeting(Rank member);
  void read_board(const View& board, std::size_t bytes, std::span<std::byte> to);
  void post(Rank rank, std::uint16_t mark, bool is_member);
  void post_to_members(std::uint16_t mark);
  void withdraw();

  void check(const std::vector<Rank>& missing, const std::vector<Rank>& gone) const;
  void check_parent() const;
  // Is the member's withdrawal about this call, not about one before it?
  bool concerns_this(Rank member, const SetupMark& withdrawal) const;
  // Is the member in another exchange, which it takes for this one?
  bool differs(Rank member) const;
  [[noreturn]] void throw_withdrawal(Rank member, const SetupMark& withdrawal) const;
  [[noreturn]] void expire(const std::vector<Rank>& missing, Nanoseconds waited) const;

  Channel& parent_;
  SetupState& state_;
  std::vector<Rank> members_;
  std::string what_;
  bool told_to_all_;  // ranks that are no members hear of it
  Rank rank_ = 0;     // index in members_
  SetupTag tag_;
  std::uint16_t round_ = 0;            // rounds before it are read
  std::vector<std::uint64_t> before_;  // every rank's line when this rank began
  bool complete_ = false;
  Error failure_{tuttiRemoteError, ""};  // why this rank withdraws
};

}  // namespace tutti
