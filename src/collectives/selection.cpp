#include "collectives/selection.hpp"

#include <array>

#include "base/error.hpp"
#include "channel/layout.hpp"

namespace tutti {

namespace {

struct Named {
  Algorithm algorithm;
  std::string_view name;
};
constexpr std::array<Named, 6> kNames = {{{Algorithm::kLocal, "local"},
                                          {Algorithm::kLine, "line"},
                                          {Algorithm::kAssembly, "assembly"},
                                          {Algorithm::kOneShot, "one_shot"},
                                          {Algorithm::kTwoShot, "two_shot"},
                                          {Algorithm::kExchange, "exchange"}}};

// Two ranks, two cores of one L3 (docs/performance.md): one shot and two shot cross near 2 KiB.
constexpr std::size_t kOneShotBytes = 2048;
// The last to arrive reduces alone; beyond this the others' cores are better used than saved.
constexpr std::size_t kAssemblyBytes = 4096;
constexpr std::size_t kEagerBytes = 1024;
constexpr std::size_t kEagerPlainBytes = std::size_t{256} << 10;
constexpr std::size_t kChunkBytes = std::size_t{256} << 10;
// Private rows of all_to_all on two ranks, microseconds, staged / get. Zen 4, in one third-level
// cache 32 KiB 6.5 / 5.9, 256 KiB 30 / 32, 2 MiB 430 / 350; in two 32 KiB 8.2 / 6.6, 256 KiB 67 /
// 33, 2 MiB 540 / 265. Zen 5 where a system call takes 2 us, in two: 32 KiB 3.7 / 6.7, 64 KiB 6.6 /
// 8.3, 256 KiB 24 / 23.
constexpr std::size_t kLeastGetBytes = std::size_t{128} << 10;
// More ranks than cores, all_to_all, Zen 5 where a system call takes 2 us, milliseconds, exchange /
// assembly: 64 ranks 64 B 1.4 / 9, 2 KiB 3.7 / 12, 64 KiB 57 / 78; 384 ranks 4 KiB more than 30000
// / 1260.
constexpr int kExchangeCrowd = 64;
constexpr std::size_t kPipes = 8;
constexpr std::size_t kCopiedInPlaceBytes = std::size_t{64} << 20;

bool is_all_reduce(OperationKind kind) {
  return kind == OperationKind::kAllReduce || kind == OperationKind::kBarrier;
}

// Everybody sends to everybody, from one place for each that the receiver can tell.
bool assembles_rows(OperationKind kind) {
  return kind == OperationKind::kAlltoAll || kind == OperationKind::kAllGather ||
         kind == OperationKind::kAllGatherv;
}

}  // namespace

std::string_view name_of(Algorithm algorithm) {
  for (const Named& named : kNames) {
    if (named.algorithm == algorithm) return named.name;
  }
  return "?";
}

Selection::Selection(const Situation& situation, const std::optional<std::string>& forced)
    : situation_(situation) {
  if (!forced) return;
  std::string known;
  for (const Named& named : kNames) {
    if (named.name == *forced) forced_ = named.algorithm;
    known += (known.empty() ? "" : ", ") + std::string(named.name);
  }
  if (!forced_) fail(tuttiInvalidArgument, "TUTTI_ALGO=\"{}\" is none of {}", *forced, known);
}

// The operations that an algorithm is for, whatever their size.
bool Selection::serves(Algorithm algorithm, OperationKind kind) {
  switch (algorithm) {
    case Algorithm::kLocal:
      return true;
    case Algorithm::kLine:
    case Algorithm::kOneShot:
      return is_all_reduce(kind);
    case Algorithm::kAssembly:
      return is_all_reduce(kind) || assembles_rows(kind);
    case Algorithm::kTwoShot:
      return reduces(kind);
    case Algorithm::kExchange:
      return !reduces(kind);
  }
  return false;
}

bool Selection::can(Algorithm algorithm, const Request& request) const {
  const std::size_t bytes = request.bytes();
  switch (algorithm) {
    case Algorithm::kLocal:
      return situation_.ranks == 1;
    case Algorithm::kLine:
      return is_all_reduce(request.kind) && bytes <= LineContent::kPayloadBytes &&
             !request.reducer.scaled;
    case Algorithm::kAssembly:
      if (!situation_.shared_words) return false;
      if (assembles_rows(request.kind)) return true;
      [[fallthrough]];
    case Algorithm::kOneShot:
      return is_all_reduce(request.kind) && bytes <= situation_.slot_bytes &&
             !request.reducer.scaled;
    case Algorithm::kTwoShot:
      return reduces(request.kind);
    case Algorithm::kExchange:
      return !reduces(request.kind);
  }
  return false;
}

Algorithm Selection::choose(const Request& request) const {
  if (situation_.ranks == 1) return Algorithm::kLocal;
  if (forced_ && serves(*forced_, request.kind)) [[unlikely]] {
    if (!can(*forced_, request)) {
      fail(tuttiInvalidUsage, "TUTTI_ALGO={} cannot run {} of {} bytes", name_of(*forced_),
           name_of(request.kind), request.bytes());
    }
    return *forced_;
  }
  if (!reduces(request.kind)) {
    const bool assembly = situation_.crowded && situation_.ranks > kExchangeCrowd;
    return assembly && assembles_rows(request.kind) ? Algorithm::kAssembly : Algorithm::kExchange;
  }
  if (!is_all_reduce(request.kind) || request.reducer.scaled) return Algorithm::kTwoShot;
  const std::size_t bytes = request.bytes();
  if (situation_.crowded && situation_.shared_words && bytes <= kAssemblyBytes) {
    return Algorithm::kAssembly;
  }
  if (bytes <= LineContent::kPayloadBytes) return Algorithm::kLine;
  // Everybody reads everybody's bytes: the work grows with the ranks.
  if (bytes <= kOneShotBytes * 2 / static_cast<std::size_t>(situation_.ranks)) {
    return Algorithm::kOneShot;
  }
  return Algorithm::kTwoShot;
}

std::size_t Selection::eager_bytes() const noexcept { return kEagerBytes; }
std::size_t Selection::eager_plain_bytes() const noexcept { return kEagerPlainBytes; }
std::size_t Selection::least_get_bytes() noexcept { return kLeastGetBytes; }
std::size_t Selection::chunk_bytes() const noexcept { return kChunkBytes; }
std::size_t Selection::pipes() const noexcept { return kPipes; }
std::size_t Selection::copied_in_place_bytes() const noexcept { return kCopiedInPlaceBytes; }

}  // namespace tutti
