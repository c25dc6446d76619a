#include "moe/plan.hpp"

#include <algorithm>
#include <cstring>

namespace tutti::moe {

namespace {

std::size_t table_entries(const Config& config) {
  return static_cast<std::size_t>(config.limits.max_tokens) *
         static_cast<std::size_t>(config.limits.max_lanes);
}

}  // namespace

Plan::Plan(Channel& channel, const Config& config, StoreTrials& its_trials)
    : trials(its_trials),
      channel_(channel),
      relays_(channel.transport().costs(), {.self = channel.rank(),
                                            .ranks = channel.ranks(),
                                            .row_bytes = config.max_row_bytes,
                                            .use = config.relays}),
      headers_(at(channel.ranks())),
      entries_(at(channel.ranks())),
      few_(at(channel.ranks())),
      arrival_rows_(std::max<std::size_t>(max_entries(config.sizes(channel.rank())), 1) *
                    sizeof(std::uint32_t)),
      arrivals_(config.placement.count_of(channel.rank()), channel.ranks(),
                arrival_rows_.as<std::uint32_t>()) {
  const std::size_t count = table_entries(config);
  for (Table& table : tables_) {
    table.entries = HeapBlock(count * sizeof(Entry));
    table.weights = HeapBlock(count * sizeof(float));
    table.table.emplace(config.placement, config.limits, table.entries.as<Entry>());
  }
  lane_weights_.reserve(count);
  places_.reserve(count);
}

Plan::~Plan() {
  const KeepFibre keep;  // finishing may post
  if (open_) open_->finish();
}

OperationShape Plan::shape_of(const TopK& topk) {
  const auto lanes = static_cast<std::uint64_t>(topk.lanes);
  return {.kind = OperationKind::kMoePlan,
          .count = lanes,
          .digests = digests_of(kMoePlanArguments, {lanes})};
}

void Plan::prepare(const TopK& topk) {
  Table& next = next_table();
  await_readers(next);
  next.table->build(topk);
  relays_.assign(next.entries.as<Entry>(), next.table->offsets(), topk.tokens);
}

void Plan::announce(const Operation& operation) {
  Table& next = next_table();
  const std::lock_guard lock(hearing_);
  operation.enter();
  const auto built = next.table->entries();
  channel_.touches(Write{built.data(), built.size_bytes()});
  if (open_) open_->finish();  // the update before, whose lines nobody asked for
  const Rank self = channel_.rank();
  channel_.charge(LocalWork::sync());  // the table is sorted
  const MemoryRef entries = channel_.refer(next.entries.data(), next.entries.size());
  const MemoryRef weights = channel_.refer(next.weights.data(), next.weights.size());
  operation.post_together([&] {
    for (int i = 1; i < channel_.ranks(); ++i) {
      const Rank peer = (self + i) % channel_.ranks();
      const std::size_t first = next.table->offsets()[at(peer)];
      const auto theirs = next.table->entries_for(peer);
      Header header{.entries_offset = entries.offset + first * sizeof(Entry),
                    .weights_offset = weights.offset + first * sizeof(float),
                    .count = static_cast<std::uint32_t>(theirs.size()),
                    .tokens = next.table->tokens()};
      LineContent content;
      if (theirs.size() <= kMostInLine && std::all_of(theirs.begin(), theirs.end(), is_short)) {
        header.entries_offset = kInThisLine;
        std::array<std::uint32_t, kMostInLine> few{};
        std::transform(theirs.begin(), theirs.end(), few.begin(), shortened);
        write_in_line<std::uint32_t>(content, few);
      }
      std::memcpy(content.payload, &header, sizeof(header));
      operation.post(peer, Phase::kEntry, content);
    }
  });
  next.read_by_all = channel_.ranks() == 1;
  current_ = static_cast<int>(&next - tables_.data());
  open_ = operation;
  arranged_ = false;
  dispatched_.reset();
}

void Plan::await_readers(Table& table) {
  if (table.read_by_all || !open_) return;
  // `open_` is the update between: who has sent its line has no more use for `table`.
  for (Rank peer = 0; peer < channel_.ranks(); ++peer) {
    if (peer != channel_.rank()) open_->await(peer, Phase::kEntry);
  }
}

void Plan::hear() {
  const std::lock_guard lock(hearing_);
  if (!open_) return;
  open_->enter();
  const Rank self = channel_.rank();
  heard_.clear();
  for (Rank peer = 0; peer < channel_.ranks(); ++peer) {
    Header& header = headers_[at(peer)];
    if (peer == self) {
      entries_[at(self)] = table().entries_for(self);
      header = {.count = static_cast<std::uint32_t>(entries_[at(self)].size()), .tokens = tokens()};
      continue;
    }
    const Line& line = open_->wait(peer, Phase::kEntry);
    std::memcpy(&header, line.payload, sizeof(header));
    if (header.entries_offset == kInThisLine && header.count <= kMostInLine) {
      const auto few = items_in_line<std::uint32_t>(line, header.count);
      std::transform(few.begin(), few.end(), few_[at(peer)].begin(), lengthened);
      entries_[at(peer)] = {few_[at(peer)].data(), header.count};
      continue;
    }
    heard_.push_back({.peer = peer,
                      .offset = header.entries_offset,
                      .bytes = header.count * sizeof(Entry),
                      .data = nullptr});
  }
  channel_.view(MemoryRef::Where::kHeap, heard_);
  keep_heard();
  channel_.charge(LocalWork::looks(at(channel_.ranks()) - 1));
  channel_.charge(LocalWork::counts(at(channel_.ranks())));
  open_->finish();
  open_.reset();
}

// Counts may be asked for when the sources have gone on to other tables.
void Plan::keep_heard() {
  std::size_t count = 0;
  for (const View& view : heard_) count += headers_[at(view.peer)].count;
  kept_.resize(count);
  Entry* next = kept_.data();
  for (const View& view : heard_) {
    channel_.touches(Read{view.data, view.bytes});
    std::memcpy(next, view.data, view.bytes);
    entries_[at(view.peer)] = {next, headers_[at(view.peer)].count};
    next += headers_[at(view.peer)].count;
  }
}

const Arrivals& Plan::arrange(const Layout& layout) {
  hear();
  if (!arranged_ || !(arrivals_.layout() == layout)) {
    arrivals_.arrange(layout, entries_);
    for (Rank source = 0; source < channel_.ranks(); ++source) {
      const auto rows = return_rows(source);
      channel_.touches(Write{rows.data(), rows.size_bytes()});
    }
    arranged_ = true;
    std::size_t lines = 0;
    for (const auto& entries : entries_) lines += lines_beside(entries.size(), sizeof(Entry));
    channel_.charge(LocalWork::looks(lines));
  }
  return arrivals_;
}

void Plan::set_weights(const float* weights) {
  const std::size_t written = table().entries().size() * sizeof(float);
  channel_.touches(Write{tables_[index()].weights.data(), written});
  table().gather_weights(weights, tables_[index()].weights.as<float>());
  const std::size_t count = at(tokens()) * at(lanes());
  if (weights != nullptr) {
    lane_weights_.assign(weights, weights + count);
  } else {
    lane_weights_.assign(count, 1.0F);
  }
}

std::span<const float> Plan::weights_for(Rank peer) const {
  return tables_[index()].weights.as<float>().subspan(table().offsets()[at(peer)],
                                                      table().entries_for(peer).size());
}

std::span<const std::span<const float>> Plan::bring_weights(const Operation& dispatch) {
  const Rank self = channel_.rank();
  auto& views = scratch.views;
  views.clear();
  scratch.weights.resize(at(channel_.ranks()));
  scratch.weights[at(self)] = weights_for(self);
  for (Rank source = 0; source < channel_.ranks(); ++source) {
    const Header& header = headers_[at(source)];
    if (source == self) continue;
    if (header.count <= kMostInLine) {
      scratch.weights[at(source)] =
          items_in_line<float>(dispatch.line(source, Phase::kEntry), header.count);
      continue;
    }
    views.push_back({.peer = source,
                     .offset = header.weights_offset,
                     .bytes = header.count * sizeof(float),
                     .data = nullptr});
  }
  channel_.view(MemoryRef::Where::kHeap, views);
  for (const View& view : views) {
    scratch.weights[at(view.peer)] = {reinterpret_cast<const float*>(view.data),
                                      headers_[at(view.peer)].count};
  }
  return scratch.weights;
}

void Plan::dispatched(const Layout& layout, std::size_t num_rows) {
  dispatched_ = layout;
  dispatched_rows_ = num_rows;
  places_by_rank_.reset();
  places_.resize(at(tokens()) * at(lanes()));
  // Its exit phase has shown that every destination has read this table.
  tables_[index()].read_by_all = true;
}

}  // namespace tutti::moe
