#include "collectives/staged_push.hpp"

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "kernels/copy.hpp"

namespace tutti {

namespace {

constexpr std::size_t kAlignment = 64;

// What a line brings: what the sender and those of whom it has heard have completed, and a block
// that is small enough.
struct Content {
  static constexpr std::size_t kInlineBytes = LineContent::kPayloadBytes - sizeof(Sequence);
  Sequence floor;
  std::byte block[kInlineBytes];
};
static_assert(sizeof(Content) == LineContent::kPayloadBytes);

std::size_t looked(int peers) { return static_cast<std::size_t>(peers) - 1; }

}  // namespace

bool StagedPush::has(const Plan& plan, Area area) {
  const bool scatters = plan.halves != Halves::kGather;
  switch (area) {
    case kGathered:
      return plan.halves != Halves::kScatter;
    case kArrived:
      return scatters;
    case kFromGroup:
    case kToGroups:
      return scatters && plan.group > 1;
    case kPacked:
      return scatters && plan.packed;
  }
  return false;
}

std::size_t StagedPush::staging_bytes(const Plan& plan, int ranks) {
  const std::size_t each =
      (static_cast<std::size_t>(ranks) * plan.share_bytes + kAlignment - 1) & ~(kAlignment - 1);
  std::size_t bytes = 0;
  for (unsigned area = 0; area < kAreas; ++area) {
    if (has(plan, static_cast<Area>(area))) bytes += each;
  }
  return bytes;
}

StagedPush::StagedPush(const Operation& operation, const Plan& plan)
    : operation_(operation),
      plan_(plan),
      groups_(operation.rank(), operation.ranks(), plan.group),
      staging_(operation.claim_staging()),
      floor_(operation.completed()) {
  Plan one = plan;
  one.halves = Halves::kGather;
  const std::size_t each = staging_bytes(one, operation.ranks());
  std::size_t end = 0;
  for (unsigned area = 0; area < kAreas; ++area) {
    offsets_[area] = end;
    if (has(plan, static_cast<Area>(area))) end += each;
  }
  if (end > staging_.size()) {
    fail(tuttiInternalError, "a push of {} bytes a rank in groups of {} takes {} bytes of {}",
         plan.share_bytes, plan.group, end, staging_.size());
  }
}

std::size_t StagedPush::bytes_in(std::size_t share, std::size_t shares) const {
  const std::size_t first = std::min(first_of(share), plan_.total);
  return std::min(first_of(share + shares), plan_.total) - first;
}

std::span<const std::byte> StagedPush::pack(const std::byte* blocks) {
  const bool moves = operation_.channel().moves(Read{blocks, plan_.total});
  operation_.channel().touches(Write{area(kPacked), plan_.total});
  for (Rank rank = 0; rank < operation_.ranks() && moves; ++rank) {
    kernels::copy_ordinary(area(kPacked) + first_of(share_of(rank)),
                           blocks + offset(rank, plan_.share_bytes), plan_.share_bytes);
  }
  operation_.charge(LocalWork::copy(plan_.total));
  return {area(kPacked), plan_.total};
}

void StagedPush::scatter(std::span<const std::byte> shares) {
  if (groups_.size() == 1) return scatter_directly(shares);
  scatter_in_group(shares);
  scatter_to_groups();
}

void StagedPush::scatter_directly(std::span<const std::byte> shares) {
  const int ranks = operation_.ranks();
  const std::size_t place = offset(operation_.rank(), 1);
  operation_.post_together([&] {
    for (int i = 1; i < ranks; ++i) {
      const Rank peer = groups_.counterpart(i);
      const std::size_t share = share_of(peer);
      const std::size_t bytes = bytes_in(share, 1);
      send(peer, Phase::kReady, kArrived, place * bytes, {shares.data() + first_of(share), bytes});
    }
  });
  if (own_bytes() != 0) {
    copy(area(kArrived) + place * own_bytes(), shares.data() + first_of(own_share()), own_bytes());
  }
  operation_.charge(LocalWork::copy(own_bytes()));
  for (int i = 1; i < ranks; ++i) await(groups_.counterpart(i), Phase::kReady);
  operation_.charge(LocalWork::looks(looked(ranks)));
}

// Each member of the group gets the shares of all ranks that have its place.
void StagedPush::scatter_in_group(std::span<const std::byte> shares) {
  const auto count = static_cast<std::size_t>(groups_.count());
  const std::size_t row = count * plan_.share_bytes;
  const std::size_t at = offset(groups_.place(), row);
  const auto first = [&](int place) { return static_cast<std::size_t>(place) * count; };
  operation_.post_together([&] {
    for (int i = 1; i < groups_.size(); ++i) {
      const std::size_t share = first(groups_.place_behind(i));
      send(groups_.mate(i), Phase::kEntry, kFromGroup, at,
           {shares.data() + std::min(first_of(share), shares.size()), bytes_in(share, count)});
    }
  });
  const std::size_t own = first(groups_.place());
  if (const std::size_t bytes = bytes_in(own, count); bytes != 0) {
    copy(area(kFromGroup) + at, shares.data() + first_of(own), bytes);
    operation_.charge(LocalWork::copy(bytes));
  }
  for (int i = 1; i < groups_.size(); ++i) await(groups_.mate(i), Phase::kEntry);
  operation_.charge(LocalWork::looks(looked(groups_.size())));
}

// Each rank of this one's place gets its share as the whole group sent it: put together first, so
// that it is one row.
void StagedPush::scatter_to_groups() {
  const auto size = static_cast<std::size_t>(groups_.size());
  const auto count = static_cast<std::size_t>(groups_.count());
  const std::size_t place_first = static_cast<std::size_t>(groups_.place()) * count;
  std::size_t copied = 0;
  for (std::size_t group = 0; group < count; ++group) {
    const std::size_t bytes = bytes_in(place_first + group, 1);
    const bool own = group == static_cast<std::size_t>(groups_.group());
    std::byte* to = own ? area(kArrived) + group * size * bytes
                        : area(kToGroups) + group * size * plan_.share_bytes;
    for (std::size_t member = 0; member < size; ++member, to += bytes) {
      const std::byte* const from = area(kFromGroup) + (member * count + group) * plan_.share_bytes;
      if (bytes != 0) copy(to, from, bytes);
    }
    copied += size * bytes;
  }
  operation_.charge(LocalWork::copy(copied));
  operation_.post_together([&] {
    for (int i = 1; i < groups_.count(); ++i) {
      const auto group = static_cast<std::size_t>(groups_.group_behind(i));
      const std::size_t bytes = size * bytes_in(place_first + group, 1);
      send(groups_.counterpart(i), Phase::kReady, kArrived, offset(groups_.group(), bytes),
           {area(kToGroups) + group * size * plan_.share_bytes, bytes});
    }
  });
  for (int i = 1; i < groups_.count(); ++i) await(groups_.counterpart(i), Phase::kReady);
  operation_.charge(LocalWork::looks(looked(groups_.count())));
}

void StagedPush::flush() const {
  for (Rank peer = 0; peer < operation_.ranks(); ++peer) {
    if (peer != operation_.rank()) operation_.flush_staging(peer);
  }
}

void StagedPush::gather(const std::byte* own) {
  const std::size_t bytes = own_bytes();
  const bool inlined = plan_.share_bytes <= Content::kInlineBytes;
  operation_.post_together([&] {
    for (int i = 1; i < groups_.count(); ++i) {
      const Rank peer = groups_.counterpart(i);
      if (inlined) {
        mark(peer, Phase::kTaken, {own, bytes});
      } else {
        send(peer, Phase::kTaken, kGathered, first_of(own_share()), {own, bytes});
      }
    }
  });
  for (int i = 1; i < groups_.count(); ++i) {
    const Rank peer = groups_.counterpart(i);
    const Line& line = await(peer, Phase::kTaken);
    const std::size_t share = share_of(peer);
    if (inlined && bytes_in(share, 1) != 0) {
      operation_.channel().touches(Write{area(kGathered) + first_of(share), bytes_in(share, 1)});
      std::memcpy(area(kGathered) + first_of(share), line.payload + offsetof(Content, block),
                  bytes_in(share, 1));
    }
  }
  operation_.charge(LocalWork::looks(looked(groups_.count())));
  if (groups_.size() == 1) return;

  const auto count = static_cast<std::size_t>(groups_.count());
  const std::size_t first = static_cast<std::size_t>(groups_.place()) * count;
  operation_.post_together([&] {
    for (int i = 1; i < groups_.size(); ++i) {
      send(groups_.mate(i), Phase::kDone, kGathered, first_of(first),
           {area(kGathered) + first_of(first), bytes_in(first, count)});
    }
  });
  for (int i = 1; i < groups_.size(); ++i) await(groups_.mate(i), Phase::kDone);
  operation_.charge(LocalWork::looks(looked(groups_.size())));
}

// To this rank's staging.
void StagedPush::copy(std::byte* to, const std::byte* from, std::size_t bytes) const {
  operation_.channel().touches(Write{to, bytes});
  if (operation_.channel().moves(Read{from, bytes})) kernels::copy_ordinary(to, from, bytes);
}

void StagedPush::send(Rank peer, Phase phase, Area to, std::size_t at,
                      std::span<const std::byte> source) {
  if (!source.empty()) operation_.put_staging(peer, offsets_[to] + at, source);
  mark(peer, phase, {});
}

void StagedPush::mark(Rank peer, Phase phase, std::span<const std::byte> inlined) {
  Content content;
  content.floor = floor_;
  operation_.channel().touches(Read{inlined.data(), inlined.size()});
  if (!inlined.empty()) std::memcpy(content.block, inlined.data(), inlined.size());
  LineContent line;
  std::memcpy(line.payload, &content, sizeof(Sequence) + inlined.size());
  operation_.post(peer, phase, line);
}

const Line& StagedPush::await(Rank peer, Phase phase) {
  const Line& line = operation_.wait(peer, phase);
  Sequence theirs;
  std::memcpy(&theirs, line.payload, sizeof(theirs));
  if (static_cast<std::int64_t>(theirs - floor_) < 0) floor_ = theirs;
  return line;
}

}  // namespace tutti
