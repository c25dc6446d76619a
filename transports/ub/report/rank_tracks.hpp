// What ranks and their streams did over a part of a run: a track each.
#pragma once

#include <string>
#include <vector>

#include "transports/ub/bus/run_record.hpp"
#include "transports/ub/report/port_use.hpp"

namespace tutti::ub {

// Times are within the interval.
struct TrackSpan {
  Activity what;
  Picoseconds begin{};
  Picoseconds end{};
  int rank = -1;  // of a wait: who ended it, if anybody is known
};

struct TrackCall {
  const RecordedCall* call;
  Picoseconds begin{};
  Picoseconds end{};
};

struct RankTrack {
  Entity who;
  std::vector<TrackSpan> spans;  // in order of time
  std::vector<TrackCall> calls;
};

// Of every rank and stream to which anything happened in the interval; by rank, then stream.
std::vector<RankTrack> rank_tracks(const RunRecord& record, const Interval& interval);

// What a track did most of the time, a character a bin: 'a' for the first Activity and so on, '.'
// for nothing, or what no record knows.
std::string busiest_activities(const RankTrack& track, const Interval& interval);

}  // namespace tutti::ub
