// RaceChecker: a race in words.
#include <fmt/format.h>

#include <algorithm>

#include "base/context.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "transports/ub/race/race_checker.hpp"

namespace tutti::ub {

std::string RaceChecker::name_of_call(std::uint32_t number) const {
  const Call& call = calls_[number];
  if (call.describe == nullptr) return "no call";
  return fmt::format("{}, sequence {} on \"{}\"", call.describe(call.what), call.sequence,
                     channels_[call.channel]);
}

std::string RaceChecker::where(Address begin, Address end, const MemoryAccess& access) const {
  const Place place = place_of(begin);
  const auto range = [&](Address base) {
    return fmt::format("[{}, {})", begin - base, end - base);
  };
  switch (place.of) {
    case Place::Of::kSegment:
      return fmt::format("{} of rank {}'s control segment ({})", range(place.base), place.owner,
                         begin - place.base < place.segments->line_bytes ? "lines" : "staging");
    case Place::Of::kHeap:
      return fmt::format("{} of a block in rank {}'s heap", range(place.base), place.owner);
    case Place::Of::kPrivate:
      break;
  }
  return fmt::format("{} bytes at {:#x} of rank {}'s private memory", end - begin, begin,
                     access.owner);
}

// `now`: as what somebody does; otherwise as what somebody has begun before.
std::string RaceChecker::done(const MemoryAccess& access, bool now) {
  const auto [does, thing] = [&]() -> std::pair<const char*, const char*> {
    switch (access.kind) {
      case AccessKind::kStore:
        return {"writes", "write"};
      case AccessKind::kPut:
        return {"puts", "put"};
      case AccessKind::kPost:
        return {"posts", "post"};
      case AccessKind::kUser:
        return {"has for its user", "user's part"};
      case AccessKind::kGiven:
        return {"allocates or frees", "allocation"};
      case AccessKind::kLoad:
        return {"reads", "read"};
      case AccessKind::kView:
        return {"views", "view"};
      case AccessKind::kGet:
        return {"gets", "get"};
      case AccessKind::kSource:
        return {"puts from", "put from there"};
      case AccessKind::kContent:
        return {"reads the line at", "reading of the line"};
      case AccessKind::kNone:
        break;
    }
    return {"does nothing", "nothing"};
  }();
  return now ? fmt::format("rank {} {}", access.rank, does)
             : fmt::format("rank {}'s {}", access.rank, thing);
}

void RaceChecker::report(Race race, const MemoryAccess& earlier, const MemoryAccess& access,
                         Address begin, Address end) {
  ++found_;
  // The same two calls of the same ranks are listed once.
  const auto pack = [&](const MemoryAccess& a) {
    return std::uint64_t{a.call} << 32 | static_cast<std::uint32_t>(a.rank) << 4 |
           static_cast<std::uint32_t>(a.kind);
  };
  const std::pair key{pack(earlier), pack(access)};
  if (races_.size() < options_.most_listed && std::ranges::find(seen_, key) == seen_.end()) {
    seen_.push_back(key);
    const std::string reader = fmt::format("rank {}", access.rank);
    const std::string why = [&]() -> std::string {
      switch (race) {
        case Race::kUnarrived:
          return "has not arrived";
        case Race::kUnordered:
          return "is not before that by any line that " + reader + " has acquired";
        case Race::kUnread:
          return "may go on: " + reader + " has acquired no line that says it has ended";
        case Race::kOverwritten:
          return "is not before that by any line that " + reader + " has acquired";
        case Race::kOldView:
          return "came after the view through which " + reader + " reads";
      }
      return {};
    }();
    races_.push_back(fmt::format("{} {} at {} ps in {}: {} at {} ps in {} {}", done(access, true),
                                 where(begin, end, access), access.when.count(),
                                 name_of_call(access.call), done(earlier, false),
                                 earlier.when.count(), name_of_call(earlier.call), why));
    TUTTI_WARN(kNet, "race: {}", races_.back());
  }
  if (!options_.stops || current_context().kept > 0 || std::uncaught_exceptions() > 0) return;
  throw Error(tuttiInternalError, "race: " + races_.front());
}

}  // namespace tutti::ub
