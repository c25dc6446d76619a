// Pods of an indexed Job or a StatefulSet behind a headless service, a rank each.
#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/log_environment.hpp"
#include "bootstrap/launchers/known_place.hpp"
#include "bootstrap/launchers/pod.hpp"
#include "bootstrap/launchers/secret.hpp"
#include "bootstrap/launchers/variables.hpp"
#include "bootstrap/meeting_wire.hpp"

namespace tutti {

namespace {

constexpr std::string_view kKubernetesTitle = "Kubernetes";
constexpr const char* kIndex = "JOB_COMPLETION_INDEX";
constexpr const char* kPodWorldSize = "TUTTI_WORLD_SIZE";
constexpr const char* kService = "TUTTI_HEADLESS_SERVICE";
constexpr const char* kHost = "TUTTI_MEETING_HOST";

bool kubernetes_is_here() {
  return all_set({kPodWorldSize}) &&
         (all_set({kIndex}) || (all_set({"KUBERNETES_SERVICE_HOST"}) && pod_of(host_name())));
}

Claim kubernetes_claim() {
  if (all_set({kIndex})) {
    const auto [rank, ranks] = require_rank(kKubernetesTitle, kIndex, kPodWorldSize);
    return {.rank = rank, .ranks = ranks, .evidence = quote_variables({kIndex, kPodWorldSize})};
  }
  const int ranks =
      require_number(kKubernetesTitle, kPodWorldSize, 1, static_cast<int>(wire::kMostRanks));
  const std::string name = host_name();
  const auto pod = pod_of(name);
  if (!pod || pod->ordinal >= ranks) {
    fail(tuttiInvalidUsage,
         "{}: {} is not set, and the host's name '{}' does not end in '-' and a number below {}",
         kKubernetesTitle, kIndex, name, ranks);
  }
  return {.rank = pod->ordinal,
          .ranks = ranks,
          .evidence = fmt::format("host name {}, {}={}", name, kPodWorldSize, ranks)};
}

// The DNS name of rank 0's pod.
std::string host_of_rank_0() {
  if (auto host = env_string(kHost)) return *std::move(host);
  const auto service = env_string(kService);
  if (!service) {
    fail(tuttiInvalidUsage,
         "{}: neither {} (the pods' headless service) nor {} (rank 0's host) is set",
         kKubernetesTitle, kService, kHost);
  }
  const std::string name = host_name();
  const auto pod = pod_of(name);
  if (!pod) {
    fail(tuttiInvalidUsage, "{}: the host's name '{}' does not end in '-' and a number; set {}",
         kKubernetesTitle, name, kHost);
  }
  return fmt::format("{}-0.{}", pod->owner, *service);
}

World kubernetes_meet(const Claim& claim, Nanoseconds timeout) {
  const auto secret = secret_text();
  if (!secret) {
    fail(tuttiInvalidUsage,
         "{}: neither TUTTI_SECRET nor TUTTI_SECRET_FILE is set, and other pods could join",
         kKubernetesTitle);
  }
  const int port = number_if_set("TUTTI_MEETING_PORT", 1, 65535).value_or(kMeetingPort);
  return meet_at(
      {.host = host_of_rank_0(), .port = static_cast<std::uint16_t>(port), .secret_text = *secret},
      *claim.rank, *claim.ranks, timeout);
}

}  // namespace

const Launcher kKubernetes = {"kubernetes", kKubernetesTitle, kubernetes_is_here, kubernetes_claim,
                              kubernetes_meet};

}  // namespace tutti
