#include "transports/ub/race/race_checker.hpp"

#include <algorithm>

namespace tutti::ub {

namespace {

AccessMap::Address address(const void* data) { return reinterpret_cast<AccessMap::Address>(data); }

}  // namespace

// --- What is told of by the library.

void RaceChecker::enters(const CallName& call) {
  if (!active()) return;
  FibreState& self = fibre();
  if (self.channel == &call.channel && self.sequence == call.sequence && self.what == call.what) {
    return;
  }
  self.channel = &call.channel;
  self.sequence = call.sequence;
  self.what = call.what;
  auto name = std::ranges::find(channels_, call.channel);
  if (name == channels_.end()) name = channels_.insert(channels_.end(), call.channel);
  const Call key{.channel = static_cast<std::uint32_t>(name - channels_.begin()),
                 .sequence = call.sequence,
                 .what = call.what,
                 .describe = call.describe};
  const auto [at, fresh] =
      call_numbers_.try_emplace(key, static_cast<std::uint32_t>(calls_.size()));
  if (fresh) calls_.push_back(key);
  self.call = at->second;
}

void RaceChecker::touches(Read touched) {
  if (!active() || touched.bytes == 0) return;
  FibreState& self = fibre();
  const Place place = place_of(address(touched.data));
  if (place.of == Place::Of::kPrivate) return;
  read(self, access(self, AccessKind::kLoad, place.owner), touched.data, touched.bytes);
}

void RaceChecker::touches(Write touched) {
  if (!active() || touched.bytes == 0) return;
  FibreState& self = fibre();
  const Place place = place_of(address(touched.data));
  const int owner = place.of == Place::Of::kPrivate ? self.rank : place.owner;
  write(self, access(self, AccessKind::kStore, owner), touched.data, touched.bytes);
}

void RaceChecker::uses_content(const Line& line) {
  if (!active()) return;
  FibreState& self = fibre();
  self.contents.push_back({.line = &line, .call = self.call});
  read(self, access(self, AccessKind::kContent, self.rank), &line, sizeof(line));
}

void RaceChecker::leaves() {
  if (!active()) return;
  FibreState& self = fibre();
  std::vector<FibreState::Content> open;
  for (const FibreState::Content& content : std::exchange(self.contents, {})) {
    if (content.call != self.call) {
      open.push_back(content);
      continue;
    }
    read(self, access(self, AccessKind::kContent, self.rank), content.line, sizeof(Line));
  }
  self.contents = std::move(open);
}

void RaceChecker::takes(const void* data, std::size_t bytes, bool exclusive) {
  user_has(AccessKind::kUser, true, data, bytes, exclusive);
}

void RaceChecker::gives_back(const void* data, std::size_t bytes, bool exclusive) {
  user_has(AccessKind::kUser, false, data, bytes, exclusive);
}

bool RaceChecker::alone(const FibreState& fibre) const {
  return std::ranges::none_of(fibres_, [&](const FibreState& other) {
    return other.rank == fibre.rank && other.number != fibre.number &&
           !scheduler_.finished(other.id);
  });
}

// What only is read may be read by other streams' operations at the same time: then it is no
// write, and after the operation none of its own transfers may be left.
void RaceChecker::user_has(AccessKind kind, bool before, const void* data, std::size_t bytes,
                           bool exclusive) {
  if (!active() || bytes == 0 || data == nullptr) return;
  FibreState& self = fibre();
  const MemoryAccess now = access(self, kind, self.rank);
  if (exclusive || alone(self)) return write(self, now, data, bytes);
  if (before) return;
  const Address begin = address(data);
  map_.visit(begin, begin + bytes, [&](Address first, AccessCell& cell) {
    for (const MemoryAccess& earlier : cell.reads) {
      if (earlier.call == now.call && earlier.owner == now.owner && earlier.remote()) {
        check(self, earlier, now, first, cell.end);
      }
    }
  });
}

// --- What the bus tells.

void RaceChecker::add_segments(Segments segments) { segments_.push_back(std::move(segments)); }

void RaceChecker::gave(const void* data, std::size_t bytes) {
  if (!active()) return;
  FibreState& self = fibre();
  const Address begin = address(data);
  blocks_[begin] = {.end = begin + bytes, .owner = self.rank};
  map_.replace(begin, begin + bytes, access(self, AccessKind::kGiven, self.rank));
}

void RaceChecker::took_back(const void* data, std::size_t bytes) noexcept {
  if (!active()) return;
  FibreState& self = fibre();
  const Address begin = address(data);
  const MemoryAccess now = access(self, AccessKind::kGiven, self.rank);
  const KeepFibre keep;  // who frees is often a destructor
  map_.visit(begin, begin + bytes, [&](Address first, AccessCell& cell) {
    if (!ordered(cell.write, self)) check(self, cell.write, now, first, cell.end);
    for (const MemoryAccess& earlier : cell.reads) check(self, earlier, now, first, cell.end);
  });
  map_.replace(begin, begin + bytes, {});
  blocks_.erase(begin);
}

void RaceChecker::reads_of(AccessKind kind, int owner, const void* data, std::size_t bytes) {
  if (!active() || bytes == 0) return;
  FibreState& self = fibre();
  read(self, access(self, kind, owner), data, bytes);
}

RaceChecker::FlowState& RaceChecker::flow(const void* key, int from, int to) {
  const auto [at, fresh] =
      flow_numbers_.try_emplace(key, static_cast<std::uint32_t>(flows_.size()));
  if (fresh) flows_.push_back({.from = from, .to = to, .knowers = {}});
  return flows_[at->second];
}

void RaceChecker::begin_put(const void* key, int from, int to, std::uint32_t parcel) {
  FlowState& its = flow(key, from, to);
  if (parcel >= parcels_.size()) parcels_.resize(parcel + 1);
  parcels_[parcel] = {.flow = static_cast<std::uint32_t>(&its - flows_.data()),
                      .number = ++its.sent,
                      .under_way = true,
                      .stamp = {}};
  putting_ = parcel;
}

void RaceChecker::put_piece(const void* source, const void* destination, std::size_t bytes) {
  if (!active() || bytes == 0) return;
  FibreState& self = fibre();
  const ParcelState& parcel = parcels_[putting_];
  const int to = flows_[parcel.flow].to;
  const auto of_parcel = [&](AccessKind kind, int owner) {
    MemoryAccess its = access(self, kind, owner);
    its.flow = parcel.flow;
    its.number = parcel.number;
    return its;
  };
  if (source != nullptr) {
    const Place place = place_of(address(source));
    const int owner = place.of == Place::Of::kPrivate ? self.rank : place.owner;
    read(self, of_parcel(AccessKind::kSource, owner), source, bytes);
  }
  write(self, of_parcel(AccessKind::kPut, to), destination, bytes);
}

void RaceChecker::post(const void* key, int from, int to, std::uint32_t parcel, const Line& line,
                       Picoseconds at) {
  begin_put(key, from, to, parcel);
  ParcelState& state = parcels_[parcel];
  state.line = &line;
  if (!active()) return;
  FibreState& self = fibre();
  state.stamp = tell(self);
  MemoryAccess its = access(self, AccessKind::kPost, to);
  its.tick = state.stamp.tick;
  its.when = at;
  its.flow = state.flow;
  its.number = state.number;
  write(self, its, &line, sizeof(line));
}

void RaceChecker::delivered(std::uint32_t parcel) {
  const ParcelState state = parcels_[parcel];
  if (state.line != nullptr) {
    lines_[state.line] = {.flow = state.flow, .number = state.number, .stamp = state.stamp};
  }
  delivered_parcel(parcel);
}

void RaceChecker::delivered_parcel(std::uint32_t parcel) {
  if (parcel < parcels_.size()) parcels_[parcel] = {};
}

void RaceChecker::sources_free(const void* key) {
  const auto found = flow_numbers_.find(key);
  if (found == flow_numbers_.end()) return;
  FlowState& its = flows_[found->second];
  its.free = its.sent;
}

bool RaceChecker::leaves_out(Sync sync, const SyncPlace& place) {
  return options_.filter != nullptr && active() &&
         options_.filter->leaves_out(sync, place, scheduler_.who().rank);
}

// --- Accesses.

RaceChecker::Place RaceChecker::place_of(Address at) const {
  for (const Segments& segments : segments_) {
    const Address base = address(segments.base);
    if (at < base || at >= base + segments.stride * segments.ranks.size()) continue;
    const std::size_t rank = (at - base) / segments.stride;
    return {.of = Place::Of::kSegment,
            .owner = segments.ranks[rank],
            .segments = &segments,
            .base = base + rank * segments.stride};
  }
  auto block = blocks_.upper_bound(at);
  if (block != blocks_.begin() && at < (--block)->second.end) {
    return {.of = Place::Of::kHeap, .owner = block->second.owner, .base = block->first};
  }
  return {};
}

MemoryAccess RaceChecker::access(FibreState& fibre, AccessKind kind, int owner) const {
  return {.kind = kind,
          .rank = fibre.rank,
          .owner = owner,
          .fibre = fibre.number,
          .tick = fibre.now,
          .call = fibre.call,
          .when = scheduler_.now()};
}

// Private memory is used by one rank after another, and the checker is not told when.
bool RaceChecker::counts(const MemoryAccess& earlier, const MemoryAccess& access, Place::Of of) {
  if (earlier.kind == AccessKind::kNone) return false;
  if (earlier.kind == AccessKind::kPost && access.kind == AccessKind::kPost) return false;
  if (of != Place::Of::kPrivate) return true;
  if (earlier.owner != access.owner) return false;
  return earlier.remote() || access.remote() || earlier.kind == AccessKind::kSource;
}

void RaceChecker::write(FibreState& fibre, const MemoryAccess& access, const void* data,
                        std::size_t bytes) {
  make_room();
  const Address begin = address(data);
  const Place::Of of = place_of(begin).of;
  map_.visit(begin, begin + bytes, [&](Address first, AccessCell& cell) {
    if (counts(cell.write, access, of)) check(fibre, cell.write, access, first, cell.end);
    for (const MemoryAccess& earlier : cell.reads) {
      if (counts(earlier, access, of)) check(fibre, earlier, access, first, cell.end);
    }
  });
  map_.replace(begin, begin + bytes, access);
}

void RaceChecker::read(FibreState& fibre, const MemoryAccess& access, const void* data,
                       std::size_t bytes) {
  make_room();
  const Address begin = address(data);
  const Place::Of of = place_of(begin).of;
  map_.visit(begin, begin + bytes, [&](Address first, AccessCell& cell) {
    if (counts(cell.write, access, of)) {
      if (!ordered(cell.write, fibre)) {
        check(fibre, cell.write, access, first, cell.end);
      } else if (access.kind == AccessKind::kLoad && access.owner != access.rank &&
                 access.owner >= 0 && cell.write.rank != access.rank &&
                 std::ranges::none_of(cell.reads, [&](const MemoryAccess& earlier) {
                   return earlier.kind == AccessKind::kView && earlier.rank == access.rank;
                 })) {
        report(Race::kOldView, cell.write, access, first, cell.end);
      }
    }
    // The latest of a fibre stands for those before it; that a view was made is kept.
    std::erase_if(cell.reads, [&](const MemoryAccess& earlier) {
      if (earlier.kind == AccessKind::kSource || access.kind == AccessKind::kSource) {
        return earlier.kind == access.kind && earlier.flow == access.flow;
      }
      return earlier.fibre == access.fibre &&
             (earlier.kind == access.kind || earlier.kind != AccessKind::kView);
    });
    cell.reads.push_back(access);
  });
}

void RaceChecker::check(const FibreState& fibre, const MemoryAccess& earlier,
                        const MemoryAccess& access, Address begin, Address end) {
  if (ordered(earlier, fibre)) return;
  if (!earlier.writes()) return report(Race::kUnread, earlier, access, begin, end);
  if (access.writes()) return report(Race::kOverwritten, earlier, access, begin, end);
  const bool under_way =
      earlier.flow != kNoFlow && std::ranges::any_of(parcels_, [&](const ParcelState& parcel) {
        return parcel.under_way && parcel.flow == earlier.flow && parcel.number == earlier.number;
      });
  report(under_way ? Race::kUnarrived : Race::kUnordered, earlier, access, begin, end);
}

}  // namespace tutti::ub
