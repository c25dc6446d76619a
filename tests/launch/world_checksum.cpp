// Every operation on data that depends on rank and index only, and one checksum of all results:
// the same however the ranks were started.
//
//   world_checksum               joins the launcher's world and leaves it; rank 0 prints
//   world_checksum --worlds N    N times, one after the other
//   world_checksum --threads N   the same of N ranks that are threads, for comparison
#include <tutti/tutti.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

namespace {

void check(tuttiResult_t result, const char* what) {
  if (result == tuttiSuccess) return;
  std::fprintf(stderr, "%s: %s\n", what, tuttiGetLastError(nullptr));
  std::exit(EXIT_FAILURE);
}
#define CHECK(call) check((call), #call)

class Sum {
 public:
  void add(const void* data, std::size_t bytes) {
    const auto* const byte = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < bytes; ++i) state_ = (state_ ^ byte[i]) * 0x100000001b3U;
  }
  template <typename T>
  void add(const std::vector<T>& values) {
    add(values.data(), values.size() * sizeof(T));
  }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

using Values = std::vector<std::int32_t>;

class Rank {
 public:
  explicit Rank(tuttiComm_t comm) : comm_(comm) {
    CHECK(tuttiCommUserRank(comm, &rank_));
    CHECK(tuttiCommCount(comm, &ranks_));
  }

  // The checksum of this rank's results.
  std::uint64_t run() {
    for (const std::size_t count : {std::size_t{7}, std::size_t{30'011}}) {
      reductions(count);
      copies(count);
      exchanges(count);
      ragged(count);
      point_to_point(count);
    }
    CHECK(tuttiBarrier(comm_, nullptr));
    return sum_.value();
  }

  // Of all ranks, on rank 0.
  std::uint64_t combine(std::uint64_t mine) {
    std::vector<std::uint64_t> all(size());
    CHECK(tuttiGather(&mine, all.data(), 1, tuttiUint64, 0, comm_, nullptr));
    Sum whole;
    whole.add(all);
    return whole.value();
  }

  int rank() const { return rank_; }
  int ranks() const { return ranks_; }

 private:
  std::size_t size() const { return static_cast<std::size_t>(ranks_); }

  Values values(std::size_t count, int operation) const {
    Values values(count);
    auto mixed = static_cast<std::uint32_t>(rank_ * 7919 + operation * 104729 + 1);
    for (auto& value : values) {
      mixed = mixed * 1664525U + 1013904223U;
      value = static_cast<std::int32_t>(mixed >> 12);
    }
    return values;
  }

  void reductions(std::size_t count) {
    for (const tuttiRedOp_t op : {tuttiSum, tuttiMin, tuttiMax}) {
      Values all = values(count, 1);
      CHECK(tuttiAllReduce(all.data(), all.data(), count, tuttiInt32, op, comm_, nullptr));
      sum_.add(all);
    }
    // Floats whose sums are exact, in any order.
    std::vector<float> floats(count);
    for (std::size_t i = 0; i < count; ++i) floats[i] = static_cast<float>(i % 1000) + float(rank_);
    CHECK(tuttiAllReduce(floats.data(), floats.data(), count, tuttiFloat32, tuttiSum, comm_,
                         nullptr));
    sum_.add(floats);
    const int root = ranks_ - 1;
    Values one = values(count, 2), result(rank_ == root ? count : 0);
    CHECK(
        tuttiReduce(one.data(), result.data(), count, tuttiInt32, tuttiSum, root, comm_, nullptr));
    sum_.add(result);
    Values rows = values(count * size(), 3), part(count);
    CHECK(
        tuttiReduceScatter(rows.data(), part.data(), count, tuttiInt32, tuttiSum, comm_, nullptr));
    sum_.add(part);
  }

  void copies(std::size_t count) {
    const int root = ranks_ / 2;
    Values given = values(count, 4);
    CHECK(tuttiBroadcast(given.data(), given.data(), count, tuttiInt32, root, comm_, nullptr));
    sum_.add(given);
    Values mine = values(count, 5), all(count * size());
    CHECK(tuttiAllGather(mine.data(), all.data(), count, tuttiInt32, comm_, nullptr));
    sum_.add(all);
    Values gathered(rank_ == root ? count * size() : 0);
    CHECK(tuttiGather(mine.data(), gathered.data(), count, tuttiInt32, root, comm_, nullptr));
    sum_.add(gathered);
    Values scattered(count);
    CHECK(tuttiScatter(all.data(), scattered.data(), count, tuttiInt32, root, comm_, nullptr));
    sum_.add(scattered);
  }

  void exchanges(std::size_t count) {
    Values out = values(count * size(), 6), in(count * size());
    CHECK(tuttiAlltoAll(out.data(), in.data(), count, tuttiInt32, comm_, nullptr));
    sum_.add(in);
  }

  // Rank s sends count + s + 3 * d elements to rank d.
  void ragged(std::size_t count) {
    const auto length = [&](std::size_t from, std::size_t to) { return count + from + 3 * to; };
    const auto me = static_cast<std::size_t>(rank_);
    std::vector<std::size_t> sent(size()), taken(size()), from(size()), to(size());
    for (std::size_t r = 0; r < size(); ++r) {
      sent[r] = length(me, r);
      taken[r] = length(r, me);
    }
    std::exclusive_scan(sent.begin(), sent.end(), from.begin(), std::size_t{0});
    std::exclusive_scan(taken.begin(), taken.end(), to.begin(), std::size_t{0});
    Values out = values(from.back() + sent.back(), 7), in(to.back() + taken.back());
    CHECK(tuttiAlltoAllv(out.data(), sent.data(), from.data(), in.data(), taken.data(), to.data(),
                         tuttiInt32, comm_, nullptr));
    sum_.add(in);

    for (std::size_t r = 0; r < size(); ++r) taken[r] = length(r, 0);
    std::exclusive_scan(taken.begin(), taken.end(), to.begin(), std::size_t{0});
    Values all(to.back() + taken.back());
    CHECK(tuttiAllGatherv(out.data(), taken[me], all.data(), taken.data(), to.data(), tuttiInt32,
                          comm_, nullptr));
    sum_.add(all);

    for (std::size_t r = 0; r < size(); ++r) sent[r] = length(0, r);
    std::exclusive_scan(sent.begin(), sent.end(), from.begin(), std::size_t{0});
    Values rows = values(from.back() + sent.back(), 8), part(sent[me]);
    CHECK(tuttiReduceScatterv(rows.data(), sent.data(), from.data(), part.data(), tuttiInt32,
                              tuttiSum, comm_, nullptr));
    sum_.add(part);
  }

  // To the next rank, from the one before.
  void point_to_point(std::size_t count) {
    Values out = values(count, 9), in(count);
    CHECK(tuttiGroupStart());
    CHECK(tuttiSend(out.data(), count, tuttiInt32, (rank_ + 1) % ranks_, comm_, nullptr));
    CHECK(tuttiRecv(in.data(), count, tuttiInt32, (rank_ + ranks_ - 1) % ranks_, comm_, nullptr));
    CHECK(tuttiGroupEnd());
    sum_.add(in);
  }

  const tuttiComm_t comm_;
  int rank_ = 0;
  int ranks_ = 0;
  Sum sum_;
};

void run(tuttiComm_t comm) {
  Rank rank(comm);
  const std::uint64_t sum = rank.combine(rank.run());
  if (rank.rank() == 0) {
    std::printf("checksum %016llx of %d ranks\n", static_cast<unsigned long long>(sum),
                rank.ranks());
    std::fflush(stdout);
  }
  CHECK(tuttiCommFinalize(comm));
  CHECK(tuttiCommDestroy(comm));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc == 3 ? argv[1] : "--worlds";
  const int number = argc == 3 ? std::atoi(argv[2]) : 1;
  if (mode == "--threads") {
    std::vector<tuttiComm_t> comms(static_cast<std::size_t>(number));
    CHECK(tuttiCommInitAll(comms.data(), number));
    std::vector<std::jthread> threads;
    for (tuttiComm_t comm : comms) threads.emplace_back([comm] { run(comm); });
    return EXIT_SUCCESS;
  }
  for (int world = 0; world < number; ++world) {
    tuttiComm_t comm = nullptr;
    CHECK(tuttiCommInitWorld(&comm));
    run(comm);
  }
}
