// torchrun's variables, which others set too: the ranks meet one port above the one that is
// torch's.
#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "bootstrap/launchers/known_place.hpp"
#include "bootstrap/launchers/secret.hpp"
#include "bootstrap/launchers/variables.hpp"

namespace tutti {

namespace {

constexpr std::string_view kTorchrunTitle = "torchrun";
constexpr const char* kRunId = "TORCHELASTIC_RUN_ID";  // set by torchrun itself only

bool torchrun_is_here() { return all_set({"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}); }

Claim torchrun_claim() {
  const auto [rank, ranks] = require_rank(kTorchrunTitle, "RANK", "WORLD_SIZE");
  return {.rank = rank,
          .ranks = ranks,
          .evidence = quote_variables({"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", kRunId}),
          .innermost = all_set({kRunId})};
}

// Not torch's port: its store listens there, on rank 0's machine, when torch is used too.
std::uint16_t torchrun_port() {
  const int torch_port = require_number(kTorchrunTitle, "MASTER_PORT", 1, 65535);
  if (const auto port = number_if_set("TUTTI_MEETING_PORT", 1, 65535)) {
    return static_cast<std::uint16_t>(*port);
  }
  if (torch_port == 65535) {
    fail(tuttiInvalidUsage,
         "MASTER_PORT=65535: the ranks would meet at the port above; set TUTTI_MEETING_PORT");
  }
  return static_cast<std::uint16_t>(torch_port + 1);
}

std::string torchrun_secret(const std::string& host) {
  if (auto text = secret_text()) return *std::move(text);
  TUTTI_INFO(kBootstrap,
             "neither TUTTI_SECRET nor TUTTI_SECRET_FILE is set: whoever knows MASTER_ADDR, "
             "MASTER_PORT and TORCHELASTIC_RUN_ID can join this world");
  return fmt::format("torchrun {} {} {}", host, env_string("MASTER_PORT").value_or(""),
                     env_string(kRunId).value_or(""));
}

World torchrun_meet(const Claim& claim, Nanoseconds timeout) {
  const std::string host = require_variable(kTorchrunTitle, "MASTER_ADDR");
  return meet_at({.host = host, .port = torchrun_port(), .secret_text = torchrun_secret(host)},
                 *claim.rank, *claim.ranks, timeout);
}

}  // namespace

const Launcher kTorchrun = {"torchrun", kTorchrunTitle, torchrun_is_here, torchrun_claim,
                            torchrun_meet};

}  // namespace tutti
