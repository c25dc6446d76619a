#include "bootstrap/memory_meetings.hpp"

#include "base/error.hpp"
#include "base/fibre_host.hpp"
#include "bootstrap/unique_id.hpp"

namespace tutti {

MemoryMeetings* MemoryMeetings::of_this_fibre() noexcept {
  FibreHost* const host = current_context().host;
  return host != nullptr ? host->meetings() : nullptr;
}

tuttiUniqueId MemoryMeetings::host() {
  meetings_.emplace(++made_, Meeting{});
  return pack_in_memory(made_);
}

std::unique_ptr<Bootstrap> MemoryMeetings::join(const tuttiUniqueId& opaque, int ranks, Rank rank,
                                                Nanoseconds timeout) {
  const UniqueId id = unpack(opaque);
  if (id.family != UniqueId::kMemory) {
    fail(tuttiInvalidUsage,
         "rank {}: the unique id was made outside the simulation, whose ranks meet in memory: take "
         "the one that tuttiSimRun gives, or make one in a rank",
         rank);
  }
  const auto found = meetings_.find(number_of(id));
  if (found == meetings_.end()) {
    fail(tuttiInvalidUsage, "rank {}: the unique id was made in another simulation", rank);
  }
  Meeting& meeting = found->second;
  check(meeting, ranks, rank);
  if (meeting.ranks == 0) {
    meeting.ranks = ranks;
    meeting.seats.resize(static_cast<std::size_t>(ranks));
    meeting.group = std::make_unique<LocalGroup>(ranks, timeout);
  }
  std::unique_ptr<Bootstrap> bootstrap = meeting.group->bootstrap(rank);
  meeting.seats[static_cast<std::size_t>(rank)] = true;
  if (++meeting.joined == ranks) meeting.group.reset();  // its members keep what they share
  return bootstrap;
}

void MemoryMeetings::check(const Meeting& meeting, int ranks, Rank rank) {
  if (meeting.ranks != 0 && meeting.joined == meeting.ranks) {
    fail(tuttiInvalidUsage,
         "the unique id is used up: all {} ranks of its communicator have joined", meeting.ranks);
  }
  if (meeting.ranks != 0 && ranks != meeting.ranks) {
    fail(tuttiInvalidUsage, "rank {} says that there are {} ranks, others said {}", rank, ranks,
         meeting.ranks);
  }
  if (rank < 0 || rank >= ranks) {
    fail(tuttiInvalidUsage, "rank {} is outside a communicator of {} ranks", rank, ranks);
  }
  if (meeting.ranks != 0 && meeting.seats[static_cast<std::size_t>(rank)]) {
    fail(tuttiInvalidUsage, "rank {} has already joined with this unique id", rank);
  }
}

}  // namespace tutti
