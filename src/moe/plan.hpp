// The routing of one step on this rank: what it sends (a table that destinations read in place) and
// what it receives (arranged from the tables of all sources).
//
// An update is an operation: one line to every rank says where that rank's part of the table lies,
// or has it (in_line.hpp). The operation stays open until the lines have been read - by counts,
// dispatch or hear(), whichever comes first. Tables are kept twice. A table is rewritten at the
// second update after its own, when every destination has read it: it has finished the dispatch of
// that table, or has itself gone on to the update between (seen by its line). Who has heard of an
// update has a copy of the entries that concern it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/condition.hpp"
#include "channel/operation.hpp"
#include "moe/arrivals.hpp"
#include "moe/config.hpp"
#include "moe/heap_block.hpp"
#include "moe/in_line.hpp"
#include "moe/relay_block.hpp"
#include "moe/relays.hpp"
#include "moe/return_map.hpp"
#include "moe/routing.hpp"
#include "moe/scratch.hpp"
#include "moe/store_trials.hpp"

namespace tutti::moe {

class Plan {
 public:
  // All are the group's, which outlives its plans.
  Plan(Channel& channel, const Config& config, StoreTrials& its_trials);
  // An update whose lines nobody asked for is closed unread.
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  // An update: checks and sorts; then tells every rank, as `operation`.
  void prepare(const TopK& topk);
  void announce(const Operation& operation);
  static OperationShape shape_of(const TopK& topk);
  // Closes the update: waits for every rank's line and keeps what it says. Does nothing when that
  // is done. On any thread, also while an operation of the plan runs on another.
  void hear();

  bool updated() const noexcept { return current_ >= 0; }
  int tokens() const noexcept { return table().tokens(); }
  int lanes() const noexcept { return table().lanes(); }
  const RoutingTable& table() const noexcept { return *tables_[index()].table; }

  // Waits for every rank's part and works out where rows land. Cheap when that is known already.
  const Arrivals& arrange(const Layout& layout);

  // Entries and tokens of `source` for this rank; after arrange().
  std::span<const Entry> entries_from(Rank source) const { return entries_[at(source)]; }
  int tokens_of(Rank source) const { return headers_[at(source)].tokens; }

  // What every rank sends here; after arrange().
  std::span<const std::span<const Entry>> entries() const noexcept { return entries_; }
  const Relays& relays() const noexcept { return relays_; }

  // The weights of this step's entries, in the table's order, where destinations read them; and [n,
  // k].
  void set_weights(const float* weights);
  std::span<const float> lane_weights() const noexcept { return lane_weights_; }
  // [r]: the weights of source r's entries for this rank; after all sources' dispatch lines. Valid
  // until the next call.
  std::span<const std::span<const float>> bring_weights(const Operation& dispatch);
  // This rank's weights for `peer`, in the order of the entries.
  std::span<const float> weights_for(Rank peer) const;

  // The rows of `source`'s entries on this rank, for combine: they lie where it can read them.
  std::span<const std::uint32_t> return_rows(Rank source) const {
    return arrivals_.rows_of(source);
  }

  // A dispatch of this step is complete.
  void dispatched(const Layout& layout, std::size_t num_rows);
  const std::optional<Layout>& dispatched_layout() const noexcept { return dispatched_; }
  std::size_t dispatched_rows() const noexcept { return dispatched_rows_; }

  // Combine's map of this rank's tokens; valid until the next dispatch.
  std::span<RowPlace> places() noexcept { return {places_.data(), places_.size()}; }
  std::optional<bool>& places_by_rank() noexcept { return places_by_rank_; }

  // Library-owned outputs, and copies of rows that peers cannot read in place.
  HeapBlock output_rows, output_side, output_ids, output_weights;
  HeapBlock staged_rows, staged_side, staged_results;
  RelayBlock relayed;
  Scratch scratch;
  StoreTrials& trials;
  StoreTrials::Way stored;  // how the last dispatch stored its rows
  bool was_staged = false;  // did the last operation copy this rank's rows for peers to read them?

 private:
  // The line of an update: where the destination's entries and their weights lie in the source's
  // heap. Few entries stand behind it, shortened.
  struct Header {
    std::uint64_t entries_offset;  // or kInThisLine
    std::uint64_t weights_offset;
    std::uint32_t count;
    std::int32_t tokens;
  };
  static_assert(sizeof(Header) == kLineHeaderBytes);
  static constexpr std::uint64_t kInThisLine = UINT64_MAX;

  struct Table {
    HeapBlock entries;
    HeapBlock weights;
    std::optional<RoutingTable> table;
    bool read_by_all = true;
  };

  static std::size_t at(Rank rank) { return static_cast<std::size_t>(rank); }
  std::size_t index() const { return static_cast<std::size_t>(current_); }
  Table& next_table() { return tables_[current_ < 0 ? 0 : 1 - index()]; }
  void await_readers(Table& table);
  void keep_heard();

  Channel& channel_;
  Relays relays_;
  std::array<Table, 2> tables_;
  int current_ = -1;
  LongMutex hearing_{"another stream that hears of a plan"};  // held while waiting
  std::optional<Operation> open_;  // the last update, until its lines are read; under hearing_
  std::vector<Header> headers_;    // [R], of the last update; set under hearing_, as entries_
  std::vector<std::span<const Entry>> entries_;
  std::vector<View> heard_;                          // where the entries lie; under hearing_
  std::vector<Entry> kept_;                          // what lay there
  std::vector<std::array<Entry, kMostInLine>> few_;  // [R]: what came in the line
  HeapBlock arrival_rows_;
  Arrivals arrivals_;
  bool arranged_ = false;
  std::vector<float> lane_weights_;
  std::optional<Layout> dispatched_;
  std::size_t dispatched_rows_ = 0;
  std::vector<RowPlace> places_;
  std::optional<bool> places_by_rank_;
};

}  // namespace tutti::moe
