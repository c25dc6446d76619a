// Every algorithm, so often that slots are used again, with rows whose content says who sent them,
// to whom, and in which round.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "tests/sim/races/moe_scenario.hpp"
#include "tests/sim/races/race_run.hpp"

namespace tutti::test {
namespace {

constexpr int kRounds = 19;  // a slot of 16 is used again

using Word = std::uint32_t;

Word word(int from, int to, int round, std::size_t i) {
  return static_cast<Word>(from) << 28 ^ static_cast<Word>(to) << 24 ^
         static_cast<Word>(round) << 16 ^ static_cast<Word>(i);
}
constexpr int kAll = 15;

void fill(Word* out, std::size_t count, int from, int to, int round) {
  for (std::size_t i = 0; i < count; ++i) out[i] = word(from, to, round, i);
}

void expect(bool right, const char* what, int round) {
  if (!right) throw std::runtime_error(fmt::format("wrong bytes: {}, round {}", what, round));
}

void expect_row(const Word* row, std::size_t count, int from, int to, int round, const char* what) {
  for (std::size_t i = 0; i < count; ++i) expect(row[i] == word(from, to, round, i), what, round);
}

struct Shape {
  std::size_t count;  // words a row
  bool shared = true;
  bool in_place = false;
  int rounds = kRounds;
};

Word* words(RankOfRun& self, std::size_t count, bool shared) {
  return reinterpret_cast<Word*>(
      self.memory.take(std::max<std::size_t>(count, 1) * sizeof(Word), shared));
}

RaceBody all_reduce(const Shape& shape) {
  return [shape](RankOfRun& self) {
    Word* const send = words(self, shape.count, shape.shared);
    Word* const recv = shape.in_place ? send : words(self, shape.count, shape.shared);
    for (int round = 0; round < shape.rounds; ++round) {
      fill(send, shape.count, self.rank, kAll, round);
      must(tuttiAllReduce(send, recv, shape.count, tuttiUint32, tuttiSum, self.comm, nullptr),
           self.comm);
      for (std::size_t i = 0; i < shape.count; ++i) {
        Word sum = 0;
        for (int rank = 0; rank < self.ranks; ++rank) sum += word(rank, kAll, round, i);
        expect(recv[i] == sum, "all_reduce", round);
      }
    }
  };
}

RaceBody reduce(const Shape& shape) {
  return [shape](RankOfRun& self) {
    Word* const send = words(self, shape.count, shape.shared);
    Word* const recv = words(self, shape.count, shape.shared);
    for (int round = 0; round < shape.rounds; ++round) {
      const int root = round % self.ranks;
      fill(send, shape.count, self.rank, kAll, round);
      must(tuttiReduce(send, recv, shape.count, tuttiUint32, tuttiSum, root, self.comm, nullptr),
           self.comm);
      for (std::size_t i = 0; i < shape.count && root == self.rank; ++i) {
        Word sum = 0;
        for (int rank = 0; rank < self.ranks; ++rank) sum += word(rank, kAll, round, i);
        expect(recv[i] == sum, "reduce", round);
      }
    }
  };
}

RaceBody reduce_scatter(const Shape& shape) {
  return [shape](RankOfRun& self) {
    const auto ranks = static_cast<std::size_t>(self.ranks);
    Word* const send = words(self, ranks * shape.count, shape.shared);
    Word* const recv = words(self, shape.count, shape.shared);
    for (int round = 0; round < shape.rounds; ++round) {
      for (int to = 0; to < self.ranks; ++to) {
        fill(send + static_cast<std::size_t>(to) * shape.count, shape.count, self.rank, to, round);
      }
      must(tuttiReduceScatter(send, recv, shape.count, tuttiUint32, tuttiSum, self.comm, nullptr),
           self.comm);
      for (std::size_t i = 0; i < shape.count; ++i) {
        Word sum = 0;
        for (int rank = 0; rank < self.ranks; ++rank) sum += word(rank, self.rank, round, i);
        expect(recv[i] == sum, "reduce_scatter", round);
      }
    }
  };
}

RaceBody all_to_all(const Shape& shape) {
  return [shape](RankOfRun& self) {
    const auto ranks = static_cast<std::size_t>(self.ranks);
    Word* const send = words(self, ranks * shape.count, shape.shared);
    Word* const recv = shape.in_place ? send : words(self, ranks * shape.count, shape.shared);
    for (int round = 0; round < shape.rounds; ++round) {
      for (int to = 0; to < self.ranks; ++to) {
        fill(send + static_cast<std::size_t>(to) * shape.count, shape.count, self.rank, to, round);
      }
      must(tuttiAlltoAll(send, recv, shape.count, tuttiUint32, self.comm, nullptr), self.comm);
      for (int from = 0; from < self.ranks; ++from) {
        expect_row(recv + static_cast<std::size_t>(from) * shape.count, shape.count, from,
                   self.rank, round, "all_to_all");
      }
    }
  };
}

RaceBody all_gather(const Shape& shape) {
  return [shape](RankOfRun& self) {
    const auto ranks = static_cast<std::size_t>(self.ranks);
    Word* const recv = words(self, ranks * shape.count, shape.shared);
    Word* const send = shape.in_place ? recv + static_cast<std::size_t>(self.rank) * shape.count
                                      : words(self, shape.count, shape.shared);
    for (int round = 0; round < shape.rounds; ++round) {
      fill(send, shape.count, self.rank, kAll, round);
      must(tuttiAllGather(send, recv, shape.count, tuttiUint32, self.comm, nullptr), self.comm);
      for (int from = 0; from < self.ranks; ++from) {
        expect_row(recv + static_cast<std::size_t>(from) * shape.count, shape.count, from, kAll,
                   round, "all_gather");
      }
    }
  };
}

// `moves`: the root moves on with every round; otherwise one rank runs ahead of the others.
RaceBody broadcast(const Shape& shape, bool moves) {
  return [shape, moves](RankOfRun& self) {
    Word* const send = words(self, shape.count, shape.shared);
    Word* const recv = words(self, shape.count, shape.shared);
    for (int round = 0; round < shape.rounds; ++round) {
      const int root = moves ? round % self.ranks : 0;
      if (self.rank == root) fill(send, shape.count, root, kAll, round);
      must(tuttiBroadcast(send, recv, shape.count, tuttiUint32, root, self.comm, nullptr),
           self.comm);
      expect_row(recv, shape.count, root, kAll, round, "broadcast");
    }
  };
}

RaceBody gather(const Shape& shape) {
  return [shape](RankOfRun& self) {
    const auto ranks = static_cast<std::size_t>(self.ranks);
    Word* const send = words(self, shape.count, shape.shared);
    Word* const recv = words(self, ranks * shape.count, shape.shared);
    for (int round = 0; round < shape.rounds; ++round) {
      fill(send, shape.count, self.rank, 0, round);
      must(tuttiGather(send, self.rank == 0 ? recv : nullptr, shape.count, tuttiUint32, 0,
                       self.comm, nullptr),
           self.comm);
      for (int from = 0; from < self.ranks && self.rank == 0; ++from) {
        expect_row(recv + static_cast<std::size_t>(from) * shape.count, shape.count, from, 0, round,
                   "gather");
      }
    }
  };
}

RaceBody scatter(const Shape& shape) {
  return [shape](RankOfRun& self) {
    const auto ranks = static_cast<std::size_t>(self.ranks);
    Word* const send = words(self, ranks * shape.count, shape.shared);
    Word* const recv = words(self, shape.count, shape.shared);
    for (int round = 0; round < shape.rounds; ++round) {
      for (int to = 0; to < self.ranks && self.rank == 0; ++to) {
        fill(send + static_cast<std::size_t>(to) * shape.count, shape.count, 0, to, round);
      }
      must(tuttiScatter(self.rank == 0 ? send : nullptr, recv, shape.count, tuttiUint32, 0,
                        self.comm, nullptr),
           self.comm);
      expect_row(recv, shape.count, 0, self.rank, round, "scatter");
    }
  };
}

// Each rank sends to one behind it, in each round to another; without an answer a sender may run
// ahead.
RaceBody ring(const Shape& shape) {
  return [shape](RankOfRun& self) {
    Word* const send = words(self, shape.count, shape.shared);
    Word* const recv = words(self, shape.count, shape.shared);
    for (int round = 0; round < shape.rounds; ++round) {
      const int behind = 1 + round % (self.ranks - 1);
      const int to = (self.rank + behind) % self.ranks;
      const int from = (self.rank + self.ranks - behind) % self.ranks;
      fill(send, shape.count, self.rank, to, round);
      must(tuttiGroupStart());
      must(tuttiSend(send, shape.count, tuttiUint32, to, self.comm, nullptr), self.comm);
      must(tuttiRecv(recv, shape.count, tuttiUint32, from, self.comm, nullptr), self.comm);
      must(tuttiGroupEnd());
      expect_row(recv, shape.count, from, self.rank, round, "message");
    }
  };
}

// Rank 0 sends to the others, and nobody answers.
RaceBody stream_of_messages(const Shape& shape) {
  return [shape](RankOfRun& self) {
    Word* const buffer = words(self, shape.count, shape.shared);
    for (int round = 0; round < shape.rounds; ++round) {
      if (self.rank != 0) {
        must(tuttiRecv(buffer, shape.count, tuttiUint32, 0, self.comm, nullptr), self.comm);
        expect_row(buffer, shape.count, 0, self.rank, round, "message of a stream");
        continue;
      }
      for (int to = 1; to < self.ranks; ++to) {
        fill(buffer, shape.count, 0, to, round);
        must(tuttiSend(buffer, shape.count, tuttiUint32, to, self.comm, nullptr), self.comm);
      }
    }
  };
}

RaceBody barriers() {
  return [](RankOfRun& self) {
    for (int round = 0; round < kRounds; ++round) must(tuttiBarrier(self.comm, nullptr), self.comm);
  };
}

// Two streams that sum and gather at the same time.
RaceBody streams() {
  return [](RankOfRun& self) {
    constexpr std::size_t kCount = 300;
    const auto ranks = static_cast<std::size_t>(self.ranks);
    Word* const in = words(self, kCount, true);
    Word* const sum = words(self, kCount, true);
    Word* const all = words(self, ranks * kCount, true);
    struct DestroyStream {
      void operator()(tuttiStream_t stream) const { tuttiStreamDestroy(stream); }
    };
    const auto make = [] {
      tuttiStream_t stream = nullptr;
      must(tuttiStreamCreate(&stream));
      return std::unique_ptr<std::remove_pointer_t<tuttiStream_t>, DestroyStream>(stream);
    };
    const auto one = make(), other = make();
    for (int round = 0; round < kRounds; ++round) {
      fill(in, kCount, self.rank, kAll, round);
      must(tuttiAllReduce(in, sum, kCount, tuttiUint32, tuttiSum, self.comm, one.get()), self.comm);
      must(tuttiAllGather(in, all, kCount, tuttiUint32, self.comm, other.get()), self.comm);
      must(tuttiStreamSynchronize(one.get()));
      must(tuttiStreamSynchronize(other.get()));
      for (int from = 0; from < self.ranks; ++from) {
        expect_row(all + static_cast<std::size_t>(from) * kCount, kCount, from, kAll, round,
                   "all_gather of a stream");
      }
    }
  };
}

std::vector<Scenario> make_scenarios() {
  constexpr std::size_t kInline = 6, kSmall = 200, kMiddle = 1500;
  const Shape small{.count = kSmall};
  const Shape heap{.count = kMiddle};
  const Shape plain{.count = kMiddle, .shared = false};
  std::vector<Scenario> all;
  const auto add = [&all](std::string name, std::string algorithm, RaceBody body, int ranks = 4) {
    all.push_back({std::move(name), ranks, std::move(algorithm), std::move(body)});
  };
  add("barrier", "", barriers());
  add("all_reduce line", "line", all_reduce({.count = kInline}));
  add("all_reduce one_shot", "one_shot", all_reduce(small));
  add("all_reduce two_shot", "two_shot", all_reduce(heap));
  add("all_reduce two_shot in place", "two_shot", all_reduce({.count = kMiddle, .in_place = true}));
  add("all_reduce two_shot staged", "two_shot",
      all_reduce({.count = 110'000, .shared = false, .rounds = 2}));
  add("all_reduce two_shot staged, small", "two_shot", all_reduce(plain));
  for (const int group : {1, 2}) {
    const std::string in = ":" + std::to_string(group);
    add("all_reduce one_shot_push" + in, "one_shot_push" + in, all_reduce(small));
    add("all_reduce one_shot_push inline" + in, "one_shot_push" + in,
        all_reduce({.count = kInline}));
    add("all_reduce two_shot_push" + in, "two_shot_push" + in,
        all_reduce({.count = kMiddle, .in_place = true}));
    add("reduce_scatter two_shot_push" + in, "two_shot_push" + in, reduce_scatter(small));
    add("all_to_all relay" + in, "relay" + in, all_to_all(small));
    add("all_gather relay" + in, "relay" + in, all_gather(small));
    add("all_to_all exchange_push" + in, "exchange_push" + in, all_to_all(heap));
  }
  add("all_reduce two_level", "two_level:2", all_reduce(plain));
  // Seven chunks: every area is used again and again.
  add("all_reduce two_level in chunks", "two_level:2",
      all_reduce({.count = 160'000, .shared = false, .in_place = true, .rounds = 2}));
  add("reduce two_shot", "two_shot", reduce(heap));
  add("reduce two_shot staged", "two_shot", reduce(plain));
  add("reduce_scatter two_shot", "two_shot", reduce_scatter(heap));
  add("reduce_scatter two_shot staged", "two_shot", reduce_scatter(plain));
  add("all_to_all exchange inline", "exchange", all_to_all({.count = kInline}));
  add("all_to_all exchange eager", "exchange", all_to_all(small));
  add("all_to_all exchange", "exchange", all_to_all(heap));
  add("all_to_all exchange staged in place", "exchange",
      all_to_all({.count = 90'000, .in_place = true, .rounds = 2}));
  add("all_to_all exchange_push private", "exchange_push", all_to_all(plain));
  add("all_to_all exchange_push in place", "exchange_push",
      all_to_all({.count = kMiddle, .in_place = true}));
  add("all_gather exchange", "exchange", all_gather(heap));
  add("all_gather exchange in place", "exchange", all_gather({.count = kMiddle, .in_place = true}));
  add("all_gather exchange_push", "exchange_push", all_gather(heap));
  add("broadcast exchange inline", "exchange", broadcast({.count = kInline, .rounds = 40}, false));
  add("broadcast exchange eager", "exchange", broadcast({.count = kSmall, .rounds = 40}, false));
  add("broadcast exchange", "exchange", broadcast(heap, true));
  add("broadcast exchange_push", "exchange_push", broadcast(heap, true));
  add("broadcast scatter_gather", "scatter_gather", broadcast(heap, true));
  add("broadcast scatter_gather private", "scatter_gather", broadcast(plain, true));
  add("gather exchange", "exchange", gather({.count = kSmall, .rounds = 40}));
  add("gather exchange_push", "exchange_push", gather({.count = kMiddle, .rounds = 40}));
  add("scatter exchange", "exchange", scatter({.count = kSmall, .rounds = 40}));
  add("scatter exchange_push", "exchange_push", scatter({.count = kMiddle, .rounds = 40}));
  add("messages without answers", "", stream_of_messages({.count = kInline, .rounds = 40}));
  add("messages in place", "", ring(heap));
  add("messages staged", "", ring({.count = 20'000, .shared = false, .rounds = 9}));
  add("streams", "", streams());
  for (const bool token : {true, false}) {
    for (const bool staged : {false, true}) {
      add(fmt::format("moe {}{}", token ? "token" : "expert", staged ? " staged" : ""), "",
          moe_steps({.token = token, .staged = staged}));
    }
  }
  return all;
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = make_scenarios();
  return all;
}

}  // namespace tutti::test
