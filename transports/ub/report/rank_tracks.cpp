#include "transports/ub/report/rank_tracks.hpp"

#include <algorithm>
#include <map>

namespace tutti::ub {

namespace {

constexpr std::size_t kActivities = static_cast<std::size_t>(Activity::kWait) + 1;

int rank_behind(const RunRecord& record, const RecordedSpan& span) {
  switch (span.cause) {
    case RecordedSpan::Cause::kFibre:
      return record.fibres()[span.by].who.rank;
    case RecordedSpan::Cause::kDelivery:
      return record.transfers()[span.by].from;
    case RecordedSpan::Cause::kLeft:
      return record.transfers()[span.by].to;
    case RecordedSpan::Cause::kUnknown:
      break;
  }
  return -1;
}

}  // namespace

std::vector<RankTrack> rank_tracks(const RunRecord& record, const Interval& interval) {
  std::map<std::uint32_t, RankTrack> tracks;  // by Entity::code
  const auto track_of = [&](const Entity& who) -> RankTrack& {
    RankTrack& track = tracks[who.code()];
    track.who = who;
    return track;
  };
  for (const RecordedFibre& fibre : record.fibres()) {
    auto span = std::lower_bound(
        fibre.spans.begin(), fibre.spans.end(), interval.begin,
        [](const RecordedSpan& each, Picoseconds time) { return each.end <= time; });
    for (; span != fibre.spans.end() && span->begin < interval.end; ++span) {
      track_of(fibre.who).spans.push_back({.what = span->what,
                                           .begin = std::max(span->begin, interval.begin),
                                           .end = std::min(span->end, interval.end),
                                           .rank = rank_behind(record, *span)});
    }
  }
  for (const RecordedCall& call : record.calls()) {
    const Picoseconds end = call.end == RecordedTransfer::kNot ? interval.end : call.end;
    if (end <= interval.begin || call.begin >= interval.end) continue;
    track_of(record.fibres()[call.fibre].who)
        .calls.push_back({.call = &call,
                          .begin = std::max(call.begin, interval.begin),
                          .end = std::min(end, interval.end)});
  }
  std::vector<RankTrack> all;
  for (auto& [code, track] : tracks) {
    std::stable_sort(track.spans.begin(), track.spans.end(),
                     [](const TrackSpan& a, const TrackSpan& b) { return a.begin < b.begin; });
    all.push_back(std::move(track));
  }
  return all;
}

std::string busiest_activities(const RankTrack& track, const Interval& interval) {
  std::string text;
  auto span = track.spans.begin();
  for (int bin = 0; bin < interval.bins; ++bin) {
    const double begin = bin * interval.bin_ps();
    const double end = begin + interval.bin_ps();
    std::array<double, kActivities> times{};
    for (; span != track.spans.end(); ++span) {
      const auto from = static_cast<double>((span->begin - interval.begin).count());
      const auto to = static_cast<double>((span->end - interval.begin).count());
      if (from >= end) break;
      times[static_cast<std::size_t>(span->what)] +=
          std::max(0.0, std::min(to, end) - std::max(from, begin));
      if (to > end) break;  // it goes on in the next bin
    }
    const auto most = std::max_element(times.begin(), times.end());
    text += *most > 0 ? static_cast<char>('a' + (most - times.begin())) : '.';
  }
  return text;
}

}  // namespace tutti::ub
