// Communicators made from communicators, and the collective end.
#include "communicator/children.hpp"

#include <tutti/tutti.h>

#include <algorithm>
#include <vector>

#include "api/boundary.hpp"

using tutti::fail;
using tutti::Rank;
using tutti::Settings;
using tutti::api::call;
using tutti::api::facts_of;
using tutti::api::need;

namespace {

// The ranks of `comm` that `excluded` leaves, ascending.
std::vector<Rank> members_without(const tutti::Communicator& comm, const int* excluded, int count) {
  if (count < 0) fail(tuttiInvalidArgument, "count is {}, expected 0 or more", count);
  if (count != 0) need(excluded, "exclude");
  std::vector<bool> gone(static_cast<std::size_t>(comm.ranks()));
  for (int i = 0; i < count; ++i) {
    const int rank = excluded[i];
    if (rank < 0 || rank >= comm.ranks()) {
      fail(tuttiInvalidArgument, "exclude[{}] is {}, expected 0 to {}", i, rank, comm.ranks() - 1);
    }
    if (rank == comm.rank()) {
      fail(tuttiInvalidArgument, "exclude[{}] is {}, the rank that calls", i, rank);
    }
    if (gone[static_cast<std::size_t>(rank)]) {
      fail(tuttiInvalidArgument, "exclude[{}] is {}, which is there twice", i, rank);
    }
    gone[static_cast<std::size_t>(rank)] = true;
  }
  std::vector<Rank> members;
  for (Rank rank = 0; rank < comm.ranks(); ++rank) {
    if (!gone[static_cast<std::size_t>(rank)]) members.push_back(rank);
  }
  return members;
}

}  // namespace

tuttiResult_t tuttiCommSplit(tuttiComm_t comm, int color, int key, tuttiComm_t* newcomm,
                             const tuttiConfig_t* config) {
  return call(comm, [&] {
    need(newcomm, "newcomm");
    *newcomm = nullptr;
    if (color < 0 && color != TUTTI_SPLIT_NOCOLOR) {
      fail(tuttiInvalidArgument, "color is {}, expected 0 or more, or TUTTI_SPLIT_NOCOLOR", color);
    }
    const Settings settings = comm->settings().for_child(config, "split");
    const tutti::CallNote note(facts_of(*comm, "CommSplit"));
    *newcomm = tutti::split(*comm, color, key, settings).release();
  });
}

tuttiResult_t tuttiCommShrink(tuttiComm_t comm, const int* exclude, int count, tuttiComm_t* newcomm,
                              const tuttiConfig_t* config, int flags) {
  return call(comm, [&] {
    need(newcomm, "newcomm");
    *newcomm = nullptr;
    if (flags != TUTTI_SHRINK_DEFAULT && flags != TUTTI_SHRINK_ABORT) {
      fail(tuttiInvalidArgument, "flags is {}, expected TUTTI_SHRINK_DEFAULT or TUTTI_SHRINK_ABORT",
           flags);
    }
    const std::vector<Rank> members = members_without(*comm, exclude, count);
    const Settings settings = comm->settings().for_child(config, "shrunk");
    const auto parent = flags == TUTTI_SHRINK_ABORT ? tutti::ShrinkParent::kAbandoned
                                                    : tutti::ShrinkParent::kHealthy;
    const tutti::CallNote note(facts_of(*comm, "CommShrink"));
    *newcomm = tutti::shrink(*comm, members, parent, settings).release();
  });
}

tuttiResult_t tuttiCommFinalize(tuttiComm_t comm) {
  return call(comm, [&] {
    if (tutti::current_context().group != nullptr) {
      fail(tuttiInvalidUsage, "tuttiCommFinalize inside a group, whose calls it would wait for");
    }
    const tutti::CallNote note(facts_of(*comm, "CommFinalize"));
    comm->finalize();
  });
}
