// Making, asking and ending communicators.
#include <tutti/tutti.h>

#include <memory>
#include <thread>
#include <vector>

#include "api/boundary.hpp"
#include "bootstrap/callbacks.hpp"
#include "bootstrap/launchers/find_world.hpp"
#include "bootstrap/local_group.hpp"
#include "bootstrap/meeting_client.hpp"
#include "bootstrap/meeting_registry.hpp"
#include "bootstrap/memory_meetings.hpp"

using tutti::fail;
using tutti::Settings;
using tutti::api::guarded;
using tutti::api::need;

namespace {

void check_size(int nranks, int rank) {
  constexpr int kMaxRanks = 4096;  // what a fingerprint's root can name
  if (nranks < 1 || nranks > kMaxRanks) {
    fail(tuttiInvalidArgument, "nranks is {}, expected 1 to {}", nranks, kMaxRanks);
  }
  if (rank < 0 || rank >= nranks) {
    fail(tuttiInvalidArgument, "rank is {}, expected 0 to {}", rank, nranks - 1);
  }
}

void join(tuttiComm_t* comm, const tutti::World& world, const Settings& settings) {
  check_size(world.ranks, world.rank);
  const tutti::CallNote note(
      {.kind = "CommInitRank", .communicator = settings.name, .ranks = world.ranks, .sequence = 0});
  const auto bootstrap =
      tutti::join_meeting(world.id, world.ranks, world.rank, settings.timeout,
                          world.awaited ? tutti::Beginning::kAwaited : tutti::Beginning::kBefore);
  *comm = std::make_unique<tuttiComm>(*bootstrap, settings).release();
}

void join(tuttiComm_t* comm, int nranks, const tuttiUniqueId& id, int rank,
          const tuttiConfig_t* config) {
  need(comm, "comm");
  *comm = nullptr;
  check_size(nranks, rank);
  join(comm, {.rank = rank, .ranks = nranks, .id = id}, Settings::read(config, "world"));
}

}  // namespace

tuttiResult_t tuttiGetUniqueId(tuttiUniqueId* id) {
  return guarded(nullptr, [&] {
    need(id, "id");
    tutti::MemoryMeetings* const meetings = tutti::MemoryMeetings::of_this_fibre();
    *id = meetings != nullptr ? meetings->host() : tutti::MeetingRegistry::of_process().host();
  });
}

tuttiResult_t tuttiCommInitRank(tuttiComm_t* comm, int nranks, tuttiUniqueId id, int rank) {
  return guarded(nullptr, [&] { join(comm, nranks, id, rank, nullptr); });
}

tuttiResult_t tuttiCommInitRankConfig(tuttiComm_t* comm, int nranks, tuttiUniqueId id, int rank,
                                      const tuttiConfig_t* config) {
  return guarded(nullptr, [&] { join(comm, nranks, id, rank, config); });
}

tuttiResult_t tuttiCommInitAll(tuttiComm_t* comms, int nranks) {
  return guarded(nullptr, [&] {
    need(comms, "comms");
    check_size(nranks, 0);
    if (tutti::current_context().host != nullptr) {
      fail(
          tuttiInvalidUsage,
          "tuttiCommInitAll makes ranks of one place, and this call comes from one simulated rank: "
          "every rank of a simulation makes its own communicator");
    }
    const Settings settings = Settings::read(nullptr, "world");
    const auto count = static_cast<std::size_t>(nranks);
    tutti::LocalGroup group(nranks, settings.timeout);
    std::vector<std::unique_ptr<tuttiComm>> made(count);
    std::vector<std::unique_ptr<tutti::Error>> errors(count);
    std::vector<std::jthread> threads;  // where one cannot be started, those that run are joined
    threads.reserve(count);
    for (int rank = 0; rank < nranks; ++rank) {
      threads.emplace_back([&, rank] {
        const auto r = static_cast<std::size_t>(rank);
        try {
          const auto bootstrap = group.bootstrap(rank);
          made[r] = std::make_unique<tuttiComm>(*bootstrap, settings);
        } catch (const tutti::Error& error) {
          errors[r] = std::make_unique<tutti::Error>(error);
        } catch (const std::exception& error) {
          errors[r] = std::make_unique<tutti::Error>(tuttiInternalError, error.what());
        }
      });
    }
    threads.clear();  // joins
    for (const auto& error : errors) {
      if (error) throw tutti::Error(*error);
    }
    for (std::size_t r = 0; r < count; ++r) comms[r] = made[r].release();
  });
}

tuttiResult_t tuttiCommInitWorld(tuttiComm_t* comm) {
  return guarded(nullptr, [&] {
    need(comm, "comm");
    *comm = nullptr;
    const Settings settings = Settings::read(nullptr, "world");
    const tutti::World world = tutti::find_world(settings.timeout);
    join(comm, world, settings);
  });
}

tuttiResult_t tuttiCommInitCallbacks(int rank, int nranks, tuttiAllGatherFn allgather, void* user,
                                     tuttiComm_t* comm) {
  return guarded(nullptr, [&] {
    need(comm, "comm");
    *comm = nullptr;
    if (allgather == nullptr) fail(tuttiInvalidArgument, "allgather is NULL");
    check_size(nranks, rank);
    const auto bootstrap = tutti::make_callback_bootstrap(nranks, rank, allgather, user);
    *comm = std::make_unique<tuttiComm>(*bootstrap, Settings::read(nullptr, "world")).release();
  });
}

tuttiResult_t tuttiCommDestroy(tuttiComm_t comm) {
  if (comm == nullptr) return tuttiSuccess;
  const tutti::KeepFibre keep;  // to release it whatever happens
  bool late = false;
  std::string name;
  const tuttiResult_t result = tutti::api::call(
      comm,
      [&] {
        name = comm->settings().name;
        if (const tutti::Group* group = tutti::Group::current(); group && group->holds(*comm)) {
          fail(tuttiInvalidUsage, "\"{}\" has operations in the group that is open", name);
        }
        late = !comm->custody().await_queue(comm->settings().timeout);
        if (!late) return;
        comm->abort();
        comm->custody().await_running();
      },
      tutti::Communicator::Entry::kEnd);
  if (result != tuttiSuccess) return result;
  tutti::Communicator::release(comm);
  if (!late) return tuttiSuccess;
  return tutti::api::record_in_thread(tutti::Error(
      tuttiTimeout,
      fmt::format("\"{}\" was destroyed with operations queued on streams that had not started; "
                  "they end with tuttiAborted",
                  name)));
}

tuttiResult_t tuttiCommAbort(tuttiComm_t comm) {
  if (comm == nullptr) return tuttiSuccess;
  return guarded(nullptr, [&] {
    comm->abort();
    comm->await_idle();
    tutti::Communicator::release(comm);
  });
}

tuttiResult_t tuttiCommGetAsyncError(tuttiComm_t comm, tuttiResult_t* error) {
  return guarded(nullptr, [&] {
    need(comm, "comm");
    need(error, "error");
    *error = comm->async_error();
    if (*error == tuttiSuccess) tutti::api::let_others_run();
  });
}

const char* tuttiGetLastError(tuttiComm_t comm) {
  return comm != nullptr ? comm->last_error() : tutti::current_context().last_error;
}

tuttiResult_t tuttiCommCount(tuttiComm_t comm, int* count) {
  return guarded(nullptr, [&] {
    need(comm, "comm");
    need(count, "count");
    *count = comm->ranks();
  });
}

tuttiResult_t tuttiCommUserRank(tuttiComm_t comm, int* rank) {
  return guarded(nullptr, [&] {
    need(comm, "comm");
    need(rank, "rank");
    *rank = comm->rank();
  });
}

tuttiResult_t tuttiCommGetAlgorithm(tuttiComm_t comm, const char** name) {
  return guarded(nullptr, [&] {
    need(comm, "comm");
    need(name, "name");
    *name = comm->algorithm();
  });
}
