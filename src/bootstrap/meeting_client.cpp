// Joining, and rounds, over one connection to the meeting.
#include "bootstrap/meeting_client.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "bootstrap/deadline.hpp"
#include "bootstrap/meeting_handshake.hpp"
#include "bootstrap/meeting_wire.hpp"
#include "bootstrap/memory_meetings.hpp"
#include "bootstrap/socket.hpp"
#include "bootstrap/unique_id.hpp"

namespace tutti {

namespace {

using std::chrono::steady_clock;
using Outcome = Socket::Outcome;

// The meeting keeps the time and names who is late; this much later the meeting itself is late.
constexpr std::chrono::seconds kGraceOfMeeting{2};
constexpr std::chrono::milliseconds kPauseBetweenAttempts{20};
// A meeting listens before its id is known, so refusals last only if it is over.
constexpr std::chrono::milliseconds kRefusalsBelieved{300};
constexpr int kGreetings = 3;  // a meeting that was too busy to read a hello closes; try again

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span<const T, 1>(&value, 1));
}

template <typename T>
std::span<std::byte> writable_bytes_of(T& value) {
  return std::as_writable_bytes(std::span<T, 1>(&value, 1));
}

class MeetingClient final : public Bootstrap {
 public:
  MeetingClient(const tuttiUniqueId& id, int ranks, Rank rank, Nanoseconds timeout,
                Beginning beginning)
      : id_(unpack(id)), ranks_(ranks), rank_(rank), timeout_(timeout), beginning_(beginning) {
    const auto deadline = deadline_after(timeout);
    for (int greeting = 1; !greet(deadline); ++greeting) {
      if (beginning == Beginning::kAwaited) {
        // The meeting of another world of these ranks, which ends first; or another program.
        if (steady_clock::now() >= deadline) met_stranger_ ? fail_stranger() : fail_late(timeout_);
        std::this_thread::sleep_for(kPauseBetweenAttempts);
      } else if (greeting == kGreetings) {
        fail(tuttiInvalidUsage,
             "rank {}: the meeting at {} does not know this unique id (used before, perhaps)",
             rank_, address_of(id_));
      }
    }
  }

  ~MeetingClient() override {
    const wire::Header goodbye{.kind = wire::Kind::kGoodbye};
    if (!failure_) socket_.send(bytes_of(goodbye), deadline_after(kGraceOfMeeting));
  }

  Rank rank() const noexcept override { return rank_; }
  int ranks() const noexcept override { return ranks_; }

  Key key() override {
    return derive(wire::key_of(id_.secret), "tutti: the key of a communicator");
  }

  std::optional<SocketAddress> local_end() const override { return socket_.local_end(); }

  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    if (failure_) throw Error(*failure_);
    try {
      exchange(mine, all);
    } catch (const Error& error) {
      failure_ = error;
      throw;
    }
  }

 private:
  // Whether the meeting let this rank in; false when it closed without a word.
  bool greet(Socket::Deadline deadline) {
    connect(deadline);
    const Key key = wire::key_of(id_.secret);
    const wire::Hello hello = wire::make_hello(rank_, ranks_);
    wire::Challenge challenge;
    wire::Header header;
    if (!ask(bytes_of(hello), writable_bytes_of(challenge), deadline)) return false;
    check(challenge);
    const bool genuine = wire::is_genuine(key, hello, challenge);
    // Where the secrets differ, the meeting is told so by a proof of nothing.
    const wire::Proof proof = genuine ? wire::proof_of(key, hello, challenge) : wire::Proof{};
    const bool answered = ask(bytes_of(proof), writable_bytes_of(header), deadline);
    if (!genuine) {
      met_stranger_ = true;
      if (beginning_ == Beginning::kAwaited) return false;
      fail(tuttiInvalidUsage,
           "rank {}: what listens at {} does not know the secret of this unique id: the id is of "
           "another meeting",
           rank_, address_of(id_));
    }
    if (!answered) return false;
    if (header.kind == wire::Kind::kWelcome) return true;
    throw_refusal(header, deadline);
  }

  // False when the meeting closed.
  bool ask(std::span<const std::byte> question, std::span<std::byte> answer,
           Socket::Deadline deadline) {
    if (socket_.send(question, deadline) == Outcome::kClosed) return false;
    const Outcome outcome = socket_.receive(answer, deadline);
    if (outcome == Outcome::kTimeout) met_stranger_ ? fail_stranger() : fail_late(timeout_);
    return outcome == Outcome::kDone;
  }

  void check(const wire::Challenge& challenge) const {
    if (challenge.magic != wire::kChallengeMagic) {
      fail(tuttiInvalidUsage, "rank {}: what listens at {} is no meeting of Tutti's ranks", rank_,
           address_of(id_));
    }
    if (challenge.version != wire::kProtocolVersion) {
      fail(tuttiInvalidUsage,
           "rank {}: the meeting at {} speaks version {} of the protocol, this library version {}",
           rank_, address_of(id_), challenge.version, wire::kProtocolVersion);
    }
  }

  void connect(Socket::Deadline deadline) {
    const auto begin = steady_clock::now();
    for (;;) {
      auto [socket, error] = connect_to(address_in(id_), deadline);
      if (socket) {
        socket_ = std::move(*socket);
        return;
      }
      const auto now = steady_clock::now();
      if (now >= deadline && met_stranger_) fail_stranger();
      if (now >= deadline)
        beginning_ == Beginning::kAwaited ? fail_absent(error) : fail_late(timeout_);
      if (error == ECONNREFUSED && beginning_ == Beginning::kBefore &&
          now - begin > kRefusalsBelieved) {
        fail(
            tuttiInvalidUsage,
            "rank {}: nobody listens at {}: the communicator of this unique id was made before, or "
            "the process that made the id has ended",
            rank_, address_of(id_));
      }
      const bool shortage = error == EMFILE || error == ENFILE || error == EACCES || error == EPERM;
      if (shortage) {
        errno = error;
        fail_system("rank {}: connecting to the meeting at {}", rank_, address_of(id_));
      }
      std::this_thread::sleep_for(kPauseBetweenAttempts);
    }
  }

  void exchange(std::span<const std::byte> mine, std::span<std::byte> all) {
    check_all_gather(*this, mine, all);
    if (mine.size() > wire::kMostBlobBytes) {
      fail(tuttiInvalidArgument, "an all-gather of {} bytes from each rank: at most {} travel",
           mine.size(), wire::kMostBlobBytes);
    }
    const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(timeout_).count();
    const wire::Header header{
        .kind = wire::Kind::kGather,
        .timeout_ms = static_cast<std::uint32_t>(std::clamp<std::int64_t>(timeout, 0, UINT32_MAX)),
        .bytes = mine.size()};
    const auto deadline = deadline_after(timeout_) + kGraceOfMeeting;
    // A failed send says nothing by itself: the reason may lie there to be read.
    if (socket_.send(bytes_of(header), deadline) == Outcome::kDone) socket_.send(mine, deadline);
    wire::Header reply;
    receive(writable_bytes_of(reply), deadline);
    if (reply.kind != wire::Kind::kGathered) throw_refusal(reply, deadline);
    if (reply.bytes != all.size()) fail_garbled();
    receive(all, deadline);
  }

  // Throws what kRefused or kFailed says.
  [[noreturn]] void throw_refusal(const wire::Header& header, Socket::Deadline deadline) {
    if (header.bytes > wire::kMostSentenceBytes) fail_garbled();
    std::string body(header.bytes, '\0');
    receive(std::as_writable_bytes(std::span(body)), deadline);
    if (header.kind == wire::Kind::kRefused) throw Error(tuttiInvalidUsage, body, {});
    wire::Failure failure;
    if (header.kind != wire::Kind::kFailed || body.size() < sizeof(failure)) fail_garbled();
    std::memcpy(&failure, body.data(), sizeof(failure));
    const auto rest = std::string_view(body).substr(sizeof(failure));
    if (failure.culprits < 0 ||
        static_cast<std::size_t>(failure.culprits) > rest.size() / sizeof(std::int32_t)) {
      fail_garbled();
    }
    std::vector<int> culprits(static_cast<std::size_t>(failure.culprits));
    const auto length = culprits.size() * sizeof(std::int32_t);
    std::memcpy(culprits.data(), rest.data(), length);
    throw Error(static_cast<tuttiResult_t>(failure.code), std::string(rest.substr(length)),
                std::move(culprits));
  }

  void receive(std::span<std::byte> bytes, Socket::Deadline deadline) {
    switch (socket_.receive(bytes, deadline)) {
      case Outcome::kDone:
        return;
      case Outcome::kTimeout:
        fail_late(timeout_);
      case Outcome::kClosed:
        fail(tuttiRemoteError,
             "rank {}: the meeting at {} ended: the process that made the unique id died or closed "
             "it",
             rank_, address_of(id_));
    }
  }

  [[noreturn]] void fail_late(Nanoseconds timeout) {
    const std::chrono::duration<double> seconds = timeout;
    fail(
        tuttiTimeout,
        "rank {}: the meeting at {} (in the process that made the unique id) did not answer within "
        "{:.3g} s",
        rank_, address_of(id_), seconds.count());
  }

  [[noreturn]] void fail_absent(int error) {
    const std::chrono::duration<double> seconds = timeout_;
    fail_because_of({0}, tuttiTimeout, "rank {}: rank 0 did not listen at {} within {:.3g} s ({})",
                    rank_, address_of(id_), seconds.count(), std::strerror(error));
  }

  [[noreturn]] void fail_stranger() {
    fail_because_of({0}, tuttiTimeout,
                    "rank {}: the meeting at {} is not that of this world: it is of ranks with "
                    "another secret, or of a world that does not end",
                    rank_, address_of(id_));
  }

  [[noreturn]] void fail_garbled() {
    fail(tuttiInternalError, "rank {}: the meeting at {} sent something that is not a frame", rank_,
         address_of(id_));
  }

  const UniqueId id_;
  const int ranks_;
  const Rank rank_;
  const Nanoseconds timeout_;
  const Beginning beginning_;
  Socket socket_;
  bool met_stranger_ = false;  // a meeting that does not know the secret
  std::optional<Error> failure_;
};

}  // namespace

std::unique_ptr<Bootstrap> join_meeting(const tuttiUniqueId& id, int ranks, Rank rank,
                                        Nanoseconds timeout, Beginning beginning) {
  if (MemoryMeetings* meetings = MemoryMeetings::of_this_fibre()) {
    return meetings->join(id, ranks, rank, timeout);
  }
  if (unpack(id).family == UniqueId::kMemory) {
    fail(tuttiInvalidUsage,
         "rank {}: the unique id was made in a simulation, and is for its ranks only", rank);
  }
  return std::make_unique<MeetingClient>(id, ranks, rank, timeout, beginning);
}

}  // namespace tutti
