#include "perf/tutti_perf/board.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <new>
#include <utility>

#include "perf/common/stopwatch.hpp"

namespace tutti::perf {
namespace {

constexpr std::size_t kRowBytes = std::size_t{256} << 20;  // reserved; pages come when written
constexpr std::size_t kMessageBytes = 2000;
constexpr std::size_t kMaxCulprits = 64;
constexpr int kMeetingSeconds = 60;

}  // namespace

struct Board::Head {
  std::atomic<bool> id_there;
  tuttiUniqueId id;
  std::atomic<bool> failed;
  std::atomic<std::size_t> rows_bytes;
  std::atomic<std::size_t> wrong;
  std::atomic<std::size_t> peak_bytes;
  std::atomic<double> startup_ms;
};

struct Board::Slot {
  std::atomic<bool> failed;
  int code;
  bool died;
  std::size_t num_culprits;
  int culprits[kMaxCulprits];
  char message[kMessageBytes];
};

std::size_t Board::available_memory() {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("MemAvailable:")) continue;
    return std::stoull(line.substr(line.find_first_of("0123456789"))) << 10;
  }
  return 0;
}

// Fresh pages are zero, which is a valid state of every member.
Board::Board(int ranks)
    : ranks_(ranks),
      slots_bytes_(static_cast<std::size_t>(ranks) * sizeof(Slot)),
      available_at_start_(available_memory()),
      start_us_(now_us()) {
  void* memory = mmap(nullptr, sizeof(Head) + slots_bytes_ + kRowBytes, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    throw Error(tuttiSystemError, fmt::format("cannot map the board: {}", std::strerror(errno)));
  }
  memory_ = static_cast<std::byte*>(memory);
}

Board::~Board() { munmap(memory_, sizeof(Head) + slots_bytes_ + kRowBytes); }

Board::Head& Board::head() const { return *reinterpret_cast<Head*>(memory_); }
Board::Slot& Board::slot(int rank) const {
  return reinterpret_cast<Slot*>(memory_ + sizeof(Head))[rank];
}
char* Board::row_text() const {
  return reinterpret_cast<char*>(memory_ + sizeof(Head) + slots_bytes_);
}

void Board::publish_id(const tuttiUniqueId& id) {
  head().id = id;
  head().id_there.store(true, std::memory_order_release);  // pairs with the acquire in wait_for_id
}

tuttiUniqueId Board::wait_for_id() const {
  for (int tries = 0; tries < kMeetingSeconds * 1000; ++tries) {
    if (head().id_there.load(std::memory_order_acquire)) return head().id;
    if (head().failed.load()) throw Error(tuttiRemoteError, "rank 0 failed to start", {0});
    usleep(1000);
  }
  throw Error(tuttiTimeout, fmt::format("rank 0 made no unique id in {} s", kMeetingSeconds), {0});
}

void Board::add_row(const std::string& json) {
  const std::size_t used = head().rows_bytes.load();
  const std::string text = used == 0 ? json : "," + json;
  if (text.size() > kRowBytes - used) throw Error(tuttiSystemError, "too many rows for one report");
  std::memcpy(row_text() + used, text.data(), text.size());
  head().rows_bytes.store(used + text.size(), std::memory_order_release);  // pairs with rows()
}

std::string Board::rows() const {
  return {row_text(), head().rows_bytes.load(std::memory_order_acquire)};
}

void Board::fail(int rank, int code, const std::string& message, const std::vector<int>& culprits) {
  Slot& own = slot(rank);
  if (own.failed.load()) return;
  own.code = code;
  own.died = culprits == std::vector<int>{rank};
  own.num_culprits = std::min(culprits.size(), kMaxCulprits);
  std::copy_n(culprits.begin(), own.num_culprits, own.culprits);
  std::strncpy(own.message, message.c_str(), kMessageBytes - 1);
  own.failed.store(true, std::memory_order_release);  // pairs with the acquire in failure_of
  head().failed.store(true);
}

std::optional<RunError> Board::failure_of(int rank) const {
  const Slot& own = slot(rank);
  if (!own.failed.load(std::memory_order_acquire)) return std::nullopt;
  return RunError{own.code, own.message, {own.culprits, own.culprits + own.num_culprits}};
}

std::optional<RunError> Board::failure() const {
  std::optional<RunError> first;
  for (int rank = 0; rank < ranks_; ++rank) {
    auto failure = failure_of(rank);
    if (failure && slot(rank).died) return failure;
    if (failure && !first) first = std::move(failure);
  }
  return first;
}

void Board::add_wrong(std::size_t elements) { head().wrong.fetch_add(elements); }
bool Board::anything_wrong() const { return head().wrong.load() != 0; }

void Board::note_startup() { head().startup_ms.store((now_us() - start_us_) / 1e3); }
double Board::startup_ms() const { return head().startup_ms.load(); }

void Board::note_memory() {
  const std::size_t now = available_memory();
  const std::size_t used = available_at_start_ > now ? available_at_start_ - now : 0;
  head().peak_bytes.store(std::max(head().peak_bytes.load(), used));
}
std::size_t Board::peak_bytes() const { return head().peak_bytes.load(); }

}  // namespace tutti::perf
