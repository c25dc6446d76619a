// Descriptors, ports and file sizes that the system does not give while ranks meet: a clear error
// on every rank, nothing left behind, and once they are there again everything works.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "tests/support/process_world.hpp"
#include "tests/support/thread_world.hpp"

namespace tutti::test {
namespace {

constexpr int kMostSpare = 16;  // descriptors: with so many, two ranks of a process meet
constexpr int kAttempts = 2;

// Says what does not hold, and ends the process.
void need(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what.c_str());
  ::_exit(1);
}

// The iterator's own among them.
long open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all)) - 1;
}

// A connection that comes to nothing is closed by a thread of the library, soon.
void need_at_most(long descriptors, const std::string& whose) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (open_descriptors() > descriptors && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  need(open_descriptors() <= descriptors, "descriptors are left behind by: " + whose);
}

// Lowers a limit of this process, and lifts it again.
class ScopedLimit {
 public:
  ScopedLimit(__rlimit_resource resource, rlim_t most) : resource_(resource) {
    need(::getrlimit(resource, &before_) == 0, "no limit to read");
    rlimit lower = before_;
    lower.rlim_cur = most;
    need(::setrlimit(resource, &lower) == 0, "no limit to set");
  }
  ~ScopedLimit() { ::setrlimit(resource_, &before_); }
  ScopedLimit(const ScopedLimit&) = delete;
  ScopedLimit& operator=(const ScopedLimit&) = delete;

 private:
  const __rlimit_resource resource_;
  rlimit before_{};
};

// All numbers below are taken, and `spare` above them free.
rlim_t limit_with(int spare) {
  const int highest = ::dup(0);
  ::close(highest);
  return static_cast<rlim_t>(highest + spare);
}

struct Outcome {
  tuttiResult_t code = tuttiSuccess;
  std::string text = "no error";
};

// Two ranks, threads of this process, meet, add up and part. What fails first, if anything does.
Outcome try_two_ranks() {
  tuttiComm_t comms[2] = {};
  const tuttiResult_t code = tuttiCommInitAll(comms, 2);
  if (code != tuttiSuccess) return {code, tuttiGetLastError(nullptr)};
  Outcome outcomes[2];
  on_ranks(2, [&](int rank) {
    int value = rank + 1;
    const tuttiComm_t comm = comms[rank];
    const tuttiResult_t added =
        tuttiAllReduce(&value, &value, 1, tuttiInt32, tuttiSum, comm, nullptr);
    if (added != tuttiSuccess) outcomes[rank] = {added, tuttiGetLastError(comm)};
    need(added != tuttiSuccess || value == 3, "a wrong sum is complete");
  });
  for (tuttiComm_t comm : comms) need(tuttiCommDestroy(comm) == tuttiSuccess, "no end");
  return outcomes[0].code != tuttiSuccess ? outcomes[0] : outcomes[1];
}

void need_success() {
  const Outcome outcome = try_two_ranks();
  need(outcome.code == tuttiSuccess, outcome.text);
}

// What a process has once it can communicate, it keeps; then it gets no more.
void expect_health() {
  const ScopedVariable patience("TUTTI_TIMEOUT_MS", "30000");
  need_success();
  const long before = open_descriptors();
  need_success();
  need_at_most(before, "a communicator");
}

// Tries twice with what `scarce` leaves of something while it lives; each time it leaves as
// many descriptors behind as the first time. `judge` looks at each code and sentence.
template <typename Scarce, typename Judge>
void try_with_less(const Scarce& scarce, const Judge& judge) {
  long after_first = 0;
  for (int i = 0; i < kAttempts; ++i) {
    Outcome outcome;
    {
      [[maybe_unused]] const auto less = scarce();
      outcome = try_two_ranks();
    }
    judge(outcome);
    if (i == 0) after_first = open_descriptors();
    if (outcome.code == tuttiSuccess) return;  // with connections, which stay
    need_at_most(after_first, outcome.text);
    if (outcome.code == tuttiTimeout) return;  // again would take long
  }
}

// It always fails, and says so.
auto is_system_error(const std::string& part) {
  return [part](const Outcome& outcome) {
    need(outcome.code == tuttiSystemError && outcome.text.find(part) != std::string::npos,
         "code " + std::to_string(outcome.code) + " and no \"" + part + "\": " + outcome.text);
  };
}

class Scarcity : public testing::TestWithParam<const char*> {
 protected:
  // Runs `body` in processes that have not used the library before; their number is its argument.
  // In the end none of them has more descriptors than the last one, in which the least fails.
  static void in_processes(int count, const std::function<void(int)>& body) {
    // The first one has a meeting, for nobody, and its descriptors.
    ProcessWorld world(count + 1, [&](int rank, const tuttiUniqueId&) {
      if (rank == 0) return 0;
      body(rank - 1);
      expect_health();
      return static_cast<int>(open_descriptors());
    });
    for (int rank = 1; rank <= count; ++rank) {
      EXPECT_GT(world.wait(rank), 1) << "process " << rank - 1;
      EXPECT_LE(world.wait(rank), world.wait(count)) << "process " << rank - 1;
    }
  }

  const ScopedVariable transport_{"TUTTI_TRANSPORT", GetParam()};
};

TEST_P(Scarcity, OfDescriptorsIsAnErrorAndLeavesNone) {
  const ScopedVariable timeout("TUTTI_TIMEOUT_MS", "1000");
  in_processes(kMostSpare + 1, [](int spare) {
    const rlim_t limit = limit_with(spare);
    const auto scarce = [limit] { return ScopedLimit(RLIMIT_NOFILE, limit); };
    try_with_less(scarce, [spare](const Outcome& outcome) {
      // Who has a socket, but none for who comes, keeps that one waiting.
      const bool late =
          outcome.code == tuttiTimeout && outcome.text.find("rank ") != std::string::npos;
      const bool clear = late || outcome.text.find("Too many open files") != std::string::npos;
      need(outcome.code == tuttiSuccess || clear,
           std::to_string(spare) + " descriptors: " + outcome.text);
      need(spare > 0 || outcome.code == tuttiSystemError, "no descriptors were no error");
    });
  });
}

INSTANTIATE_TEST_SUITE_P(Transports, Scarcity, testing::Values("tcp", "shm"));

// Listens at a port of loopback; 0: any.
int listen_at(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0 &&
      ::listen(socket, 1) == 0) {
    return socket;
  }
  ::close(socket);
  return -1;
}

std::uint16_t port_of(int socket) {
  sockaddr_in name{};
  socklen_t size = sizeof(name);
  need(::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &size) == 0, "no port");
  return ntohs(name.sin_port);
}

using ScarcityOverTcp = Scarcity;

TEST_P(ScarcityOverTcp, OfPortsIsAnErrorThatNamesTheVariable) {
  in_processes(1, [](int) {
    int first = -1;
    int second = -1;
    while (second < 0) {  // two ports side by side
      if (first >= 0) ::close(first);
      first = listen_at(0);
      need(first >= 0, "no port at all");
      if (port_of(first) < 65535)
        second = listen_at(static_cast<std::uint16_t>(port_of(first) + 1));
    }
    const std::string range =
        std::to_string(port_of(first)) + "-" + std::to_string(port_of(second));
    const ScopedVariable ports("TUTTI_PORT_RANGE", range);
    const ScopedVariable loopback("TUTTI_SOCKET_IFNAME", "lo");
    try_with_less([] { return 0; },
                  is_system_error("no port of TUTTI_PORT_RANGE=" + range + " is free"));
    tuttiUniqueId id;
    need(tuttiGetUniqueId(&id) == tuttiSystemError, "a meeting has a port that is taken");
    ::close(first);
    ::close(second);
    need_success();
  });
}

INSTANTIATE_TEST_SUITE_P(Transports, ScarcityOverTcp, testing::Values("tcp"));

using ScarcityOverShm = Scarcity;

TEST_P(ScarcityOverShm, OfFileSizeIsAnErrorThatSaysHowMuch) {
  in_processes(1, [](int) {
    try_with_less([] { return ScopedLimit(RLIMIT_FSIZE, 64 << 10); },
                  is_system_error("exceeds the file size limit of 65536 bytes"));
  });
}

TEST_P(ScarcityOverShm, OfFileSizeInOneProcessNamesItsRankOnAll) {
  MeetingPoint end;
  ProcessWorld world(3, [&](int rank, const tuttiUniqueId& id) {
    tuttiComm_t comm = nullptr;
    if (rank == 1) {
      const ScopedLimit limit(RLIMIT_FSIZE, 64 << 10);
      const tuttiResult_t code = tuttiCommInitRank(&comm, 3, id, rank);
      is_system_error("exceeds the file size limit")({code, tuttiGetLastError(nullptr)});
    } else {
      need(tuttiCommInitRank(&comm, 3, id, rank) == tuttiRemoteError, "no remote error");
      const std::string text = tuttiGetLastError(nullptr);
      need(text.find("rank 1 left") != std::string::npos, text);
    }
    end.meet(3);
    return 0;
  });
  for (int rank = 0; rank < 3; ++rank) EXPECT_EQ(world.wait(rank), 0) << "rank " << rank;
}

INSTANTIATE_TEST_SUITE_P(Transports, ScarcityOverShm, testing::Values("shm"));

}  // namespace
}  // namespace tutti::test
