// How members of a communicator meet to set something up: an all-gather through the set-up boards
// and lines of the parent's control window, apart from operations and their slots.
//
// It works on a parent that has failed, because communicators are shrunk then: only a member that
// died or left, the deadline, and a cancel on this rank end it.
//
// Protocol. An exchange has a tag, a hash of its purpose, its members and how often these members
// met for this purpose; members agree on it without a word. A line's value is tag << 16 | mark.
// In round r a rank
//   1. writes its blob to its own board,
//   2. posts mark 2r + 1 to every member,
//   3. waits until every member's line here shows the tag and a mark of at least 2r + 1,
//   4. reads their boards,
//   5. posts mark 2r + 2: "I have read".
// Lines of another tag, left by exchanges that failed, mean nothing. Step 2's post releases the
// board and the acquire of step 3 takes it; step 5's post releases the reads, and settle() acquires
// it before the next write.
//
// A board is overwritten, and a line is moved on, only when no member of the previous round still
// needs them: settle(), before every write, waits until the lines that showed 2r + 1 show anything
// else. So a rank never misses a mark because its peer is already in the next exchange.
//
// Members that disagree about who they are, or what they meet for, have different tags and would
// wait for each other. So every line's stamp says who the members are (stamp_of_members()). A rank
// that waits for a member which shows another tag and mark 2r + 1, and means this rank too,
// disagrees with it: were that exchange an earlier one, settle() would have kept this rank from
// moving its line on. The same goes for one that has withdrawn for such a mismatch since this
// exchange began.
//
// A rank that gives up posts the mark kWithdrawn, with the last round that it has read and its
// error: who is in a later round need not wait for the deadline. A line moves on from there when
// the next exchange starts.
#pragma once

#include <map>
#include <string>
#include <tutti/error.hpp>
#include <vector>

#include "bootstrap/bootstrap.hpp"
#include "channel/channel.hpp"

namespace tutti {

// Tells apart what the same members may set up at the same time.
enum class SetupPurpose : std::uint64_t {
  kSplit,
  kSplitGroup,
  kShrink,
  kDuplicate,
  kFinalize,
  kWindow
};

// What must outlast an exchange; one for each communicator, used by one call at a time.
class SetupState {
 private:
  friend class SetupExchange;

  struct Reader {
    Rank member;
    std::uint64_t shown;  // its line's value while it may read our board
  };
  std::vector<Reader> readers_;
  std::map<std::uint64_t, std::uint64_t> meetings_;  // by purpose and members
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
  struct Withdrawal;

  const Line& line_of(Rank member) const noexcept;
  std::uint64_t value(std::uint64_t mark) const noexcept { return tag_ << 16 | mark; }
  bool shows(Rank member, std::uint64_t mark) const noexcept;
  void round(std::span<const std::byte> part, std::size_t bytes, std::size_t from,
             std::span<std::byte> all);
  void settle();
  void write_board(std::span<const std::byte> part, std::size_t bytes);
  void read_board(Rank member, std::size_t bytes, std::span<std::byte> to);
  void post(std::uint64_t mark);
  // For every line of this exchange: 48 bits of members over 16 bits of the tag, by which a reader
  // knows that it belongs to the value. Bit i: all ranks whose number mod 48 is i are members.
  std::uint64_t stamp_of_members() const;
  // Is the member in another exchange, which it takes for this one?
  bool differs(Rank member) const noexcept;
  void await(std::uint64_t mark);
  void check(const std::vector<Rank>& missing) const;
  [[noreturn]] void throw_withdrawal(Rank member, const Line& line) const;

  Channel& parent_;
  SetupState& state_;
  std::vector<Rank> members_;
  std::string what_;
  Rank rank_ = 0;  // index in members_
  std::uint64_t tag_;
  std::uint64_t stamp_;
  std::uint64_t round_ = 0;            // rounds before it are read
  std::vector<std::uint64_t> before_;  // the members' lines when this rank began
  bool complete_ = false;
  Error failure_{tuttiRemoteError, ""};  // why this rank withdraws
};

}  // namespace tutti
