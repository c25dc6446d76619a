// C++ facade: a communicator and its collectives. A buffer is any contiguous range; its element
// type is deduced and its size is the count, so that a range that is too small is an Error, not an
// overrun.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tutti/memory.hpp>
#include <tutti/types.hpp>
#include <utility>
#include <vector>

namespace tutti {
inline namespace facade {

// tuttiConfig_t; what is unset takes the environment's value, then the default.
struct Config {
  std::optional<std::chrono::milliseconds> timeout = {};
  std::string name = {};
  std::string transport = {};

  // Valid as long as this Config.
  tuttiConfig_t c_config() const& {
    tuttiConfig_t config = TUTTI_CONFIG_INITIALIZER;
    if (timeout) config.timeout_ms = static_cast<int>(timeout->count());
    if (!name.empty()) config.name = name.c_str();
    if (!transport.empty()) config.transport = transport.c_str();
    return config;
  }
  tuttiConfig_t c_config() const&& = delete;  // it would point into what is gone
};

// Makes an id where ranks can meet; see tuttiGetUniqueId.
inline tuttiUniqueId unique_id() {
  tuttiUniqueId id;
  detail::check(tuttiGetUniqueId(&id));
  return id;
}

// Gathers `mine` of every rank into `all`, in rank order; throws when it cannot.
using AllGather = std::function<void(std::span<const std::byte> mine, std::span<std::byte> all)>;

class ReductionOperator;

// Collectives take a stream last: nullptr (the default) returns when the result is there, any other
// queues the operation, and the ranges must stay valid until it is complete.
class Communicator {
 public:
  // ---- Making one ----

  // Joins the world of the launcher (tutti-run).
  static Communicator world() {
    tuttiComm_t comm = nullptr;
    detail::check(tuttiCommInitWorld(&comm));
    return Communicator(comm);
  }

  // Joins the `nranks` ranks that meet at `id`, as `rank`.
  static Communicator join(const tuttiUniqueId& id, int rank, int nranks,
                           const Config& config = {}) {
    tuttiComm_t comm = nullptr;
    const tuttiConfig_t c_config = config.c_config();
    detail::check(tuttiCommInitRankConfig(&comm, nranks, id, rank, &c_config));
    return Communicator(comm);
  }

  // `nranks` ranks in this process, each then driven by a thread of its own or inside a Group.
  static std::vector<Communicator> all(int nranks) {
    std::vector<tuttiComm_t> handles(static_cast<std::size_t>(nranks > 0 ? nranks : 0));
    detail::check(tuttiCommInitAll(handles.data(), nranks));
    std::vector<Communicator> comms;
    comms.reserve(handles.size());
    for (tuttiComm_t handle : handles) comms.push_back(Communicator(handle));
    return comms;
  }

  // Ranks meet through the caller's all-gather. What it throws is thrown here.
  static Communicator meet(int rank, int nranks, const AllGather& allgather) {
    MeetingPoint point{allgather, static_cast<std::size_t>(nranks > 0 ? nranks : 0), nullptr};
    tuttiComm_t comm = nullptr;
    const tuttiResult_t code =
        tuttiCommInitCallbacks(rank, nranks, &MeetingPoint::call, &point, &comm);
    if (point.thrown) std::rethrow_exception(point.thrown);
    detail::check(code);
    return Communicator(comm);
  }

  // Takes over a handle of the C API.
  explicit Communicator(tuttiComm_t handle) noexcept : handle_(handle) {}

  // Collective. Ranks of one colour, ordered by key; nullopt for TUTTI_SPLIT_NOCOLOR.
  std::optional<Communicator> split(int color, int key, const std::optional<Config>& config = {}) {
    tuttiComm_t comm = nullptr;
    const Config chosen = config.value_or(Config{});
    const tuttiConfig_t c_config = chosen.c_config();
    check(tuttiCommSplit(get(), color, key, &comm, config ? &c_config : nullptr));
    if (comm == nullptr) return std::nullopt;
    return Communicator(comm);
  }

  // Called by every rank that is not in `exclude`: a communicator of those.
  Communicator shrink(std::span<const int> exclude, int flags = TUTTI_SHRINK_DEFAULT,
                      const std::optional<Config>& config = {}) {
    tuttiComm_t comm = nullptr;
    const Config chosen = config.value_or(Config{});
    const tuttiConfig_t c_config = chosen.c_config();
    check(tuttiCommShrink(get(), exclude.data(), static_cast<int>(exclude.size()), &comm,
                          config ? &c_config : nullptr, flags));
    return Communicator(comm);
  }

  // ---- Ending it ----

  // Collective; only destruction may follow.
  void finalize() { check(tuttiCommFinalize(get())); }

  // As the destructor, but throws.
  void destroy() { detail::check(tuttiCommDestroy(handle_.release())); }

  // From any thread: releases every waiter of this communicator, and the handle.
  void abort() { detail::check(tuttiCommAbort(handle_.release())); }

  // ---- Asking it ----

  tuttiComm_t get() const noexcept { return handle_.get(); }
  int size() const { return ask(tuttiCommCount); }
  int rank() const { return ask(tuttiCommUserRank); }
  const char* last_error() const noexcept { return tuttiGetLastError(get()); }

  // What the last operation used (tuttiCommGetAlgorithm); "" before the first.
  const char* algorithm() const {
    const char* name = nullptr;
    check(tuttiCommGetAlgorithm(get(), &name));
    return name;
  }

  // tuttiSuccess, or what poisoned this communicator. Does not throw it.
  tuttiResult_t async_error() const {
    tuttiResult_t error = tuttiSuccess;
    check(tuttiCommGetAsyncError(get(), &error));
    return error;
  }

  // ---- Collectives (communicator_collectives.hpp) ----

  template <Readable S, Writable R>
  requires SameElement<S, R>
  void all_reduce(const S& send, R&& recv, tuttiRedOp_t op = tuttiSum,
                  tuttiStream_t stream = nullptr);

  // In place: `buffer` of the root.
  template <Writable R>
  void broadcast(R&& buffer, int root, tuttiStream_t stream = nullptr);

  // `send` is read on the root only, and may be empty elsewhere.
  template <Readable S, Writable R>
  requires SameElement<S, R>
  void broadcast(const S& send, R&& recv, int root, tuttiStream_t stream = nullptr);

  // `recv` is written on the root only, and may be empty elsewhere.
  template <Readable S, Writable R>
  requires SameElement<S, R>
  void reduce(const S& send, R&& recv, int root, tuttiRedOp_t op = tuttiSum,
              tuttiStream_t stream = nullptr);

  template <Readable S, Writable R>
  requires SameElement<S, R>
  void all_gather(const S& send, R&& recv, tuttiStream_t stream = nullptr);

  template <Readable S, Writable R>
  requires SameElement<S, R>
  void reduce_scatter(const S& send, R&& recv, tuttiRedOp_t op = tuttiSum,
                      tuttiStream_t stream = nullptr);

  // Both ranges: a row for every rank.
  template <Readable S, Writable R>
  requires SameElement<S, R>
  void all_to_all(const S& send, R&& recv, tuttiStream_t stream = nullptr);

  // `recv`, on the root: a row for every rank; may be empty elsewhere.
  template <Readable S, Writable R>
  requires SameElement<S, R>
  void gather(const S& send, R&& recv, int root, tuttiStream_t stream = nullptr);

  // `send`, on the root: a row for every rank; may be empty elsewhere.
  template <Readable S, Writable R>
  requires SameElement<S, R>
  void scatter(const S& send, R&& recv, int root, tuttiStream_t stream = nullptr);

  template <Readable S>
  void send(const S& buffer, int peer, tuttiStream_t stream = nullptr);

  template <Writable R>
  void recv(R&& buffer, int peer, tuttiStream_t stream = nullptr);

  // Counts and displacements: an entry for every rank, in elements.
  struct Parts {
    std::span<const std::size_t> counts;
    std::span<const std::size_t> displacements;
  };

  template <Readable S, Writable R>
  requires SameElement<S, R>
  void all_to_allv(const S& send, Parts send_parts, R&& recv, Parts recv_parts,
                   tuttiStream_t stream = nullptr);

  template <Readable S, Writable R>
  requires SameElement<S, R>
  void all_gatherv(const S& send, R&& recv, Parts recv_parts, tuttiStream_t stream = nullptr);

  template <Readable S, Writable R>
  requires SameElement<S, R>
  void reduce_scatterv(const S& send, Parts send_parts, R&& recv, tuttiRedOp_t op = tuttiSum,
                       tuttiStream_t stream = nullptr);

  void barrier(tuttiStream_t stream = nullptr) { check(tuttiBarrier(get(), stream)); }

  // ---- Operators and registration ----

  // Multiplies this rank's input by `scalar`, then sums. Ends before the communicator does.
  template <typename T>
  ReductionOperator pre_mul_sum(T scalar);

  // Collective: [bytes] of tuttiMemAlloc memory on every rank.
  SymmetricWindow register_window(std::span<std::byte> bytes,
                                  int flags = TUTTI_WIN_COLL_SYMMETRIC) {
    tuttiWindow_t window = nullptr;
    check(tuttiCommWindowRegister(get(), bytes.data(), bytes.size(), &window, flags));
    return SymmetricWindow(get(), window);
  }

  // A hint that this foreign memory will be used often.
  Registration register_memory(std::span<std::byte> bytes) {
    void* handle = nullptr;
    check(tuttiCommRegister(get(), bytes.data(), bytes.size(), &handle));
    return Registration(get(), handle);
  }

 private:
  struct Destroy {
    void operator()(tuttiComm_t comm) const noexcept { (void)tuttiCommDestroy(comm); }
  };

  // Carries an AllGather, and what it throws, across the C boundary.
  struct MeetingPoint {
    const AllGather& allgather;
    std::size_t nranks;
    std::exception_ptr thrown;

    static int call(void* user, const void* mine, void* all, std::size_t bytes) {
      auto& point = *static_cast<MeetingPoint*>(user);
      try {
        point.allgather({static_cast<const std::byte*>(mine), bytes},
                        {static_cast<std::byte*>(all), bytes * point.nranks});
        return 0;
      } catch (...) {
        point.thrown = std::current_exception();
        return 1;
      }
    }
  };

  void check(tuttiResult_t code) const { detail::check(code, get()); }

  int ask(tuttiResult_t (*question)(tuttiComm_t, int*)) const {
    int answer = 0;
    check(question(get(), &answer));
    return answer;
  }

  std::size_t ranks() const { return static_cast<std::size_t>(size()); }
  void require_parts(Parts parts, std::size_t elements) const;

  std::unique_ptr<tuttiComm, Destroy> handle_;
};

// An operator made for one communicator and one element type; converts to tuttiRedOp_t.
class ReductionOperator {
 public:
  ReductionOperator(tuttiComm_t comm, tuttiRedOp_t op) noexcept : comm_(comm), op_(op) {}
  ReductionOperator(ReductionOperator&& other) noexcept
      : comm_(std::exchange(other.comm_, nullptr)), op_(other.op_) {}
  ReductionOperator& operator=(ReductionOperator&& other) noexcept {
    std::swap(comm_, other.comm_);
    std::swap(op_, other.op_);
    return *this;
  }
  ~ReductionOperator() {
    if (comm_ != nullptr) (void)tuttiRedOpDestroy(op_, comm_);
  }
  operator tuttiRedOp_t() const noexcept { return op_; }

 private:
  tuttiComm_t comm_;
  tuttiRedOp_t op_;
};

}  // namespace facade
}  // namespace tutti

#include <tutti/communicator_collectives.hpp>
