// peer-gloo: starts its ranks itself (--ranks N), as processes of this program.
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include "perf/common/stopwatch.hpp"
#include "perf/peers/gloo_peer.hpp"
#include "perf/peers/program.hpp"
#include "perf/peers/sampling.hpp"

namespace {

using tutti::perf::GlooPeer;
using tutti::perf::PeerOptions;

// The files by which ranks meet; gone when this object is.
class MeetingFolder {
 public:
  MeetingFolder() {
    path_ = (std::filesystem::temp_directory_path() / "peer-gloo-XXXXXX").string();
    if (mkdtemp(path_.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), "mkdtemp " + path_);
    }
  }
  ~MeetingFolder() { remove(path_); }
  MeetingFolder(const MeetingFolder&) = delete;
  MeetingFolder& operator=(const MeetingFolder&) = delete;

  const std::string& path() const { return path_; }
  static void remove(const std::string& path) {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

 private:
  std::string path_;
};

int run_rank(const GlooPeer::Place& place, const PeerOptions& options, double start_us) {
  try {
    GlooPeer peer(place);
    peer.barrier();
    // Everybody is connected: the files have served, and a kill from here on leaves nothing.
    if (place.rank == 0) MeetingFolder::remove(place.meeting_folder);
    const int code =
        tutti::perf::run_program(peer, options, (tutti::perf::now_us() - start_us) / 1e3);
    if (code != tutti::perf::kFailedAlone) peer.barrier();
    return code;
  } catch (const std::exception& error) {
    std::cerr << "rank " << place.rank << ": " << error.what() << "\n";
    return tutti::perf::kFailedAlone;
  }
}

// The worst exit code; the first rank that fails alone takes the others with it.
int wait_for(const std::vector<pid_t>& ranks) {
  int worst = 0;
  for (std::size_t left = ranks.size(); left > 0; --left) {
    int status = 0;
    if (wait(&status) < 0) return 1;
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : tutti::perf::kFailedAlone;
    if (code == tutti::perf::kFailedAlone && worst != code) {
      for (const pid_t pid : ranks) kill(pid, SIGKILL);
    }
    worst = std::max(worst, code);
  }
  return worst;
}

}  // namespace

int main(int argc, char** argv) {
  const double start_us = tutti::perf::now_us();
  int code = 0;
  const auto options = tutti::perf::parse_options(argc, argv, false, code);
  if (!options) return code;
  if (options->local_ranks < 1) {
    std::cerr << "peer-gloo starts its own ranks: say --ranks N\n";
    return 1;
  }
  const MeetingFolder folder;
  const pid_t parent = getpid();
  std::vector<pid_t> ranks;
  for (int rank = 0; rank < options->local_ranks; ++rank) {
    const pid_t pid = fork();
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) return 1;
      // _Exit: the parent's objects, the folder among them, are the parent's to destroy.
      const int rank_code =
          run_rank({rank, options->local_ranks, folder.path()}, *options, start_us);
      std::cout.flush();
      _Exit(rank_code);
    }
    if (pid < 0) {
      for (const pid_t other : ranks) kill(other, SIGKILL);
      std::cerr << "cannot start rank " << rank << "\n";
      return 1;
    }
    ranks.push_back(pid);
  }
  return wait_for(ranks);
}
