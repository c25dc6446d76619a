#include "moe/arrivals.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace tutti::moe {
namespace {

constexpr tuttiMoeSource_t kPadding{-1, -1, -1};

// Entry i begins a row of a TOKEN layout: every entry does with a row per lane, else the token's
// first.
bool starts_row(std::span<const Entry> entries, std::size_t i, tuttiMoeRowsPer_t rows_per) {
  return rows_per == tuttiMoeRowsPerLane || i == 0 || entries[i].token != entries[i - 1].token;
}

std::int64_t round_up(std::int64_t count, std::int64_t align) {
  return (count + align - 1) / align * align;
}

}  // namespace

Arrivals::Arrivals(int local_experts, int ranks, std::span<std::uint32_t> rows)
    : rows_(rows),
      entries_(static_cast<std::size_t>(ranks)),
      first_(static_cast<std::size_t>(ranks) + 1),
      expert_counts_(static_cast<std::size_t>(local_experts)),
      expert_offsets_(static_cast<std::size_t>(local_experts) + 1),
      source_counts_(static_cast<std::size_t>(ranks)),
      cursor_(static_cast<std::size_t>(local_experts)) {}

void Arrivals::arrange(const Layout& layout, std::span<const std::span<const Entry>> entries) {
  layout_ = layout;
  layout_.align = std::max(layout.align, 1u);
  count(entries);
  if (layout_.kind == tuttiMoeLayoutToken) {
    arrange_tokens();
  } else {
    arrange_experts();
  }
}

// Copies the spans, checks what came from peers, and counts entries per expert and per source.
void Arrivals::count(std::span<const std::span<const Entry>> entries) {
  std::copy(entries.begin(), entries.end(), entries_.begin());
  std::fill(expert_counts_.begin(), expert_counts_.end(), 0);
  for (std::size_t source = 0; source < entries_.size(); ++source) {
    if (entries_[source].size() > rows_.size() - first_[source]) {
      fail_because_of({static_cast<int>(source)}, tuttiRemoteError,
                      "rank {} announces {} rows: more than this group was made for", source,
                      entries_[source].size());
    }
    first_[source + 1] = first_[source] + entries_[source].size();
    for (const Entry& entry : entries_[source]) {
      if (entry.expert() >= expert_counts_.size()) {
        fail_because_of({static_cast<int>(source)}, tuttiRemoteError,
                        "rank {} sends token {} for local expert {}: this rank has {}", source,
                        entry.token, entry.expert(), expert_counts_.size());
      }
      ++expert_counts_[entry.expert()];
    }
  }
}

void Arrivals::arrange_tokens() {
  std::fill(expert_offsets_.begin(), expert_offsets_.end(), 0);
  std::uint32_t next = 0;
  for (std::size_t source = 0; source < entries_.size(); ++source) {
    const std::span<const Entry> entries = entries_[source];
    const std::span<std::uint32_t> rows = slice_of(source);
    const std::uint32_t first = next;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (starts_row(entries, i, layout_.rows_per)) ++next;
      rows[i] = next - 1;
    }
    source_counts_[source] = next - first;
  }
  num_rows_ = next;
}

void Arrivals::arrange_experts() {
  std::int64_t next = 0;
  for (std::size_t expert = 0; expert < expert_counts_.size(); ++expert) {
    expert_offsets_[expert] = next;
    next += round_up(expert_counts_[expert], layout_.align);
    if (next > UINT32_MAX) {
      fail(tuttiInvalidArgument, "align {} makes more than {} rows", layout_.align, UINT32_MAX);
    }
    cursor_[expert] = static_cast<std::uint32_t>(expert_offsets_[expert]);
  }
  expert_offsets_.back() = next;
  num_rows_ = static_cast<std::size_t>(next);
  for (std::size_t source = 0; source < entries_.size(); ++source) {
    const std::span<const Entry> entries = entries_[source];
    const std::span<std::uint32_t> rows = slice_of(source);
    for (std::size_t i = 0; i < entries.size(); ++i) rows[i] = cursor_[entries[i].expert()]++;
    source_counts_[source] = static_cast<std::int64_t>(entries.size());
  }
}

std::span<std::uint32_t> Arrivals::slice_of(std::size_t source) const noexcept {
  return rows_.subspan(first_[source], first_[source + 1] - first_[source]);
}

std::span<const std::uint32_t> Arrivals::rows_of(int source) const noexcept {
  return slice_of(static_cast<std::size_t>(source));
}

void Arrivals::list_sources(std::span<tuttiMoeSource_t> out) const {
  std::fill_n(out.begin(), num_rows_, kPadding);
  for (std::size_t source = 0; source < entries_.size(); ++source) {
    const std::span<const Entry> entries = entries_[source];
    const std::span<const std::uint32_t> rows = slice_of(source);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      tuttiMoeSource_t& row = out[rows[i]];
      if (row.rank != -1) continue;  // a later lane of the same row
      row = {static_cast<std::int32_t>(source), static_cast<std::int32_t>(entries[i].token),
             static_cast<std::int32_t>(entries[i].lane())};
    }
  }
}

void Arrivals::fill_lanes(int k, std::span<const std::span<const float>> weights, std::int32_t* ids,
                          float* out_weights) const {
  const auto lanes = static_cast<std::size_t>(k);
  if (ids != nullptr) std::fill_n(ids, num_rows_ * lanes, -1);
  if (out_weights != nullptr) std::fill_n(out_weights, num_rows_ * lanes, 0.0f);
  for (std::size_t source = 0; source < entries_.size(); ++source) {
    const std::span<const Entry> entries = entries_[source];
    const std::span<const std::uint32_t> rows = slice_of(source);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const std::size_t place = rows[i] * lanes + entries[i].lane();
      if (ids != nullptr) ids[place] = static_cast<std::int32_t>(entries[i].expert());
      if (out_weights != nullptr) out_weights[place] = weights[source][i];
    }
  }
}

void Arrivals::fill_weights(std::span<const std::span<const float>> weights,
                            std::span<float> out) const {
  std::fill_n(out.begin(), num_rows_, 0.0f);
  for (std::size_t source = 0; source < entries_.size(); ++source) {
    const std::span<const std::uint32_t> rows = slice_of(source);
    for (std::size_t i = 0; i < rows.size(); ++i) out[rows[i]] = weights[source][i];
  }
}

}  // namespace tutti::moe
