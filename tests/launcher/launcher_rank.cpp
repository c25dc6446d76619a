// A rank for the launcher's tests: launcher_rank [die R | stay R]. Joins its world, gathers,
// checks. With "die R", rank R kills itself between two rounds; with "stay R", it does not even
// join.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/error.hpp"
#include "bootstrap/launchers/launch_environment.hpp"
#include "bootstrap/meeting_client.hpp"

int main(int argc, char** argv) {
  using namespace tutti;
  const std::string mode = argc > 2 ? argv[1] : "";
  try {
    const LaunchEnvironment world = read_launch_environment();
    const bool chosen = argc > 2 && std::atoi(argv[2]) == world.rank;
    if (mode == "stay" && chosen) return 9;
    const auto bootstrap =
        join_meeting(world.id, world.ranks, world.rank, std::chrono::seconds(60));
    for (int round = 0; round < 3; ++round) {
      if (mode == "die" && chosen && round == 1) ::kill(::getpid(), SIGKILL);
      struct Blob {
        int rank, round, rest[1022];
      };
      const auto all = all_gather_value(*bootstrap, Blob{world.rank, round, {}});
      for (Rank rank = 0; rank < world.ranks; ++rank) {
        const auto& blob = all[static_cast<std::size_t>(rank)];
        if (blob.rank != rank || blob.round != round) return 8;
      }
    }
    if (world.rank == 0) fmt::print("gathered {} ranks\n", world.ranks);
  } catch (const Error& error) {
    fmt::print("error {} {}\n", static_cast<int>(error.code()), error.what());
    return error.code() == tuttiRemoteError ? 20 : 21;
  }
  return 0;
}
