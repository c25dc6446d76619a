// MPICH's mpiexec and its relatives: rank and size in variables, the unique id by PMI-1.
#include <mutex>

#include "base/error.hpp"
#include "bootstrap/deadline.hpp"
#include "bootstrap/launchers/launcher.hpp"
#include "bootstrap/launchers/pmi_session.hpp"
#include "bootstrap/launchers/variables.hpp"
#include "bootstrap/meeting_registry.hpp"
#include "bootstrap/unique_id.hpp"

namespace tutti {

namespace {

constexpr std::string_view kPmiTitle = "PMI-1 (MPICH)";

bool pmi_is_here() { return all_set({"PMI_FD", "PMI_RANK", "PMI_SIZE"}); }

Claim pmi_claim() {
  const auto [rank, ranks] = require_rank(kPmiTitle, "PMI_RANK", "PMI_SIZE");
  require_number(kPmiTitle, "PMI_FD", 0, 1 << 20);
  return {.rank = rank,
          .ranks = ranks,
          .evidence = quote_variables({"PMI_RANK", "PMI_SIZE", "PMI_FD"})};
}

World pmi_meet(const Claim& claim, Nanoseconds timeout) {
  // The launcher greets a process once and takes its goodbye for its end, so that the conversation
  // belongs to the process and is over when that ends.
  static std::mutex mutex;
  static int worlds = 0;
  const std::scoped_lock lock(mutex);
  const auto deadline = deadline_after(timeout);
  static PmiSession session(require_number(kPmiTitle, "PMI_FD", 0, 1 << 20), deadline);
  const std::string key = fmt::format("tutti-{}", worlds++);
  const bool first = *claim.rank == 0;
  tuttiUniqueId id{};
  if (first) {
    id = MeetingRegistry::of_process().host();
    session.put(key, encode(id), deadline);
  }
  session.barrier(deadline);
  if (!first) id = decode(session.get(key, encode(id).size(), deadline));
  return {.rank = *claim.rank, .ranks = *claim.ranks, .id = id};
}

}  // namespace

const Launcher kPmi = {"pmi", kPmiTitle, pmi_is_here, pmi_claim, pmi_meet};

}  // namespace tutti
