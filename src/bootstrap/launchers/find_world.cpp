// Detection, and what counts as a contradiction.
#include "bootstrap/launchers/find_world.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/log.hpp"

namespace tutti {

namespace {

constexpr const char* kChoice = "TUTTI_BOOTSTRAP";

// In the order in which they are taken: what somebody wrote for Tutti, what started this process
// within another launcher's world, who has a server to ask, what a cluster says of every pod.
constexpr std::array kLaunchers = {&kTuttiRun, &kRankTable, &kTorchrun,
                                   &kPmix,     &kPmi,       &kKubernetes};

std::string all_names() {
  std::string names;
  for (const Launcher* launcher : kLaunchers) {
    names += names.empty() ? "" : ", ";
    names += launcher->name;
  }
  return names;
}

// The one that TUTTI_BOOTSTRAP names; nullptr where it is not set.
const Launcher* chosen() {
  const auto name = env_string(kChoice);
  if (!name) return nullptr;
  const auto found = std::find_if(kLaunchers.begin(), kLaunchers.end(),
                                  [&](const Launcher* each) { return each->name == *name; });
  if (found == kLaunchers.end()) {
    fail(tuttiInvalidArgument, "{}='{}': expected one of {}", kChoice, *name, all_names());
  }
  return *found;
}

std::string describe(const Claim& claim) {
  std::string text = claim.rank ? fmt::format("rank {}", *claim.rank) : "a rank";
  if (claim.ranks) text += fmt::format(" of {}", *claim.ranks);
  return text + " (" + claim.evidence + ")";
}

bool contradict(const Claim& a, const Claim& b) {
  return (a.rank && b.rank && *a.rank != *b.rank) || (a.ranks && b.ranks && *a.ranks != *b.ranks);
}

// The first launcher that is here, if no other contradicts it.
const Launcher& detected() {
  const Launcher* first = nullptr;
  Claim claim;
  for (const Launcher* launcher : kLaunchers) {
    if (!launcher->here()) continue;
    const Claim other = launcher->claim();
    if (first == nullptr) {
      first = launcher;
      claim = other;
      if (claim.innermost) return *first;
    } else if (contradict(claim, other)) {
      fail(tuttiInvalidUsage,
           "two launchers contradict each other: {} says that this process is {}, {} says {}; "
           "{}={} or {}={} takes one of them",
           first->title, describe(claim), launcher->title, describe(other), kChoice, first->name,
           kChoice, launcher->name);
    }
  }
  if (first == nullptr) {
    fail(tuttiInvalidUsage,
         "no launcher's world: the variables of none of {} are set (start the program with "
         "tutti-run, or see docs/launching.md)",
         all_names());
  }
  return *first;
}

}  // namespace

World find_world(Nanoseconds timeout) {
  const Launcher* const obeyed = chosen();
  const Launcher& launcher = obeyed != nullptr ? *obeyed : detected();
  const Claim claim = launcher.claim();
  TUTTI_INFO(kBootstrap, "the world is that of {}{}: {}", launcher.title,
             obeyed != nullptr ? fmt::format(" ({}={})", kChoice, launcher.name) : "",
             describe(claim));
  return launcher.meet(claim, timeout);
}

}  // namespace tutti
