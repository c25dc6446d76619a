// Every rank of a group reduces its piece of a chunk of the group's inputs, and with its
// counterparts, who have the same piece of other groups, a part of that of all groups:
//
//   A(c)  put each mate's piece of my input into its `inputs`                    kReady at mates
//   B(c)  reduce my piece of the group; put each part into a counterpart's       kReady at
//         `partials`                                                             counterparts
//   C(c)  reduce my part of all groups; put it into everybody's `result`         kDone at
//         of my place                                                            counterparts
//   D(c)  my piece is whole: put it into each mate's `outputs`                   kDone at mates
//   E(c)  copy `outputs` to the user's buffer
//
// in the order
//   A(0) B(0) | A(1) C(0) B(1) D(0) E(0) | A(2) C(1) B(2) D(1) E(1) | ...
// with all marks of one letter awaited before the next one of the same chunk. So the parts of B(c +
// 1) are on the network while D(c) E(c) A(c + 2) run within the host.
//
// Each area is there twice, for even and odd chunks. What chunk c + 2 writes is free:
//   inputs    of a mate, by A(c + 2): after E(c), for which the mate's D(c), after its B(c), was
//             awaited
//   own sums  by B(c + 2): the counterparts' C(c), after they had their parts of it, was awaited in
//             D(c)
//   partials  of a counterpart, by B(c + 2): the same C(c), after it had reduced them
//   result    here and at a counterpart, by C(c + 2): its B(c + 2) was awaited. That comes after
//             its D(c), which has my C(c); and after the A(c + 2) of its mates, who have taken by
//             their E(c) what D(c) gave from it
//   outputs   of a mate, by D(c + 2): its A(c + 2), after its E(c), was awaited in B(c + 2)
// Input and output may be one buffer: E(c) writes what mates have taken, whose D(c) was awaited.
// At the end a counterpart or a mate may still read from this rank's staging, which credit
// protects; of everybody, since all tell all of their entry. Nobody reads the user's buffers.
#include "collectives/two_level.hpp"

#include <algorithm>
#include <array>

#include "collectives/groups.hpp"
#include "collectives/per_rank.hpp"
#include "collectives/shares.hpp"
#include "kernels/convert.hpp"
#include "kernels/copy.hpp"
#include "kernels/reduce.hpp"

namespace tutti {

namespace {

constexpr std::size_t kMostSteps = 65'534;
constexpr std::size_t kBufferedChunks = 2;

// The i-th of so many even shares of `count` elements.
Share even_share(std::size_t count, int shares, int i) {
  const std::size_t grains = (count + TwoLevelPlan::kGrain - 1) / TwoLevelPlan::kGrain;
  const auto n = static_cast<std::size_t>(shares);
  const auto at = static_cast<std::size_t>(i);
  const std::size_t first = std::min(grains * at / n * TwoLevelPlan::kGrain, count);
  return {first, std::min(grains * (at + 1) / n * TwoLevelPlan::kGrain, count) - first};
}

// Where peer's row is among those of all others of its ring, in the area of `owner`.
std::size_t row_of(int peer, int owner, int size) {
  return static_cast<std::size_t>((peer - owner + size) % size - 1);
}

bool partials_are_float(const Request& request) {
  return kernels::has_format(request.type) && request.reducer.op != tuttiMin &&
         request.reducer.op != tuttiMax;
}

// A sum, prod or avg of 16- or 8-bit floats in two steps: `float_sum` of narrow inputs, and
// `narrow_result` of such sums. Together they round once, as kernels::reduce() does.
class NarrowReduction {
 public:
  explicit NarrowReduction(const kernels::Reduction& whole) : whole_(whole) {}

  void float_sum(std::span<const std::byte* const> sources, std::size_t count, std::byte* sum) {
    const std::size_t size = size_of(whole_.type);
    for (std::size_t at = 0; at < count; at += kBlock) {
      const std::size_t some = std::min(kBlock, count - at);
      auto* const to = reinterpret_cast<float*>(sum) + at;
      kernels::to_float(whole_.type, to, sources[0] + at * size, some);
      for (std::size_t s = 1; s < sources.size(); ++s) {
        kernels::to_float(whole_.type, block_.data(), sources[s] + at * size, some);
        const std::array from = {reinterpret_cast<const std::byte*>(to), block()};
        fold(whole_.op == tuttiProd ? tuttiProd : tuttiSum, from, to, some);
      }
    }
  }

  void narrow_result(std::span<const std::byte*> sums, std::size_t count, std::byte* result) {
    const std::size_t size = size_of(whole_.type);
    for (std::size_t at = 0; at < count; at += kBlock) {
      const std::size_t some = std::min(kBlock, count - at);
      fold(whole_.op, sums, block_.data(), some);
      kernels::from_float(whole_.type, result + at * size, block_.data(), some);
      for (const std::byte*& sum : sums) sum += some * sizeof(float);
    }
  }

 private:
  static constexpr std::size_t kBlock = 1024;

  const std::byte* block() const { return reinterpret_cast<const std::byte*>(block_.data()); }
  void fold(tuttiRedOp_t op, std::span<const std::byte* const> sources, float* to,
            std::size_t count) const {
    std::byte* const destination = reinterpret_cast<std::byte*>(to);
    kernels::reduce({.type = tuttiFloat32, .op = op, .divisor = whole_.divisor}, {&destination, 1},
                    sources, count);
  }

  kernels::Reduction whole_;
  alignas(64) std::array<float, kBlock> block_;
};

class TwoLevelReduction {
 public:
  TwoLevelReduction(const Operation& operation, const Request& request, int group)
      : operation_(operation),
        channel_(operation.channel()),
        request_(request),
        groups_(operation.rank(), operation.ranks(), group),
        staging_(operation.claim_staging()),
        plan_(two_level_plan(request, operation.ranks(), group, staging_.size())),
        size_(request.element_bytes()) {
    const auto mates = static_cast<std::size_t>(groups_.size()) - 1;
    const auto counterparts = static_cast<std::size_t>(groups_.count()) - 1;
    std::size_t end = 0;
    const auto place = [&end](Area& area, std::size_t rows, std::size_t row_bytes) {
      area = {end, rows * row_bytes, row_bytes};
      end += kBufferedChunks * area.bytes;
    };
    place(inputs_, mates, plan_.piece * size_);
    place(sums_, 1, plan_.piece * plan_.partial_bytes);
    place(partials_, counterparts, plan_.part * plan_.partial_bytes);
    place(result_, 1, plan_.piece * size_);
    place(outputs_, mates, plan_.piece * size_);
  }

  void run() {
    operation_.post_to_others(Phase::kEntry);
    if (plan_.chunks != 0) give_inputs(0);
    for (int i = 1; i < operation_.ranks(); ++i) {
      operation_.await((operation_.rank() + i) % operation_.ranks(), Phase::kEntry);
    }
    operation_.charge(LocalWork::looks(static_cast<std::size_t>(operation_.ranks()) - 1));
    if (plan_.chunks != 0) reduce_group(0);
    for (std::size_t c = 0; c < plan_.chunks; ++c) {
      const bool more = c + 1 < plan_.chunks;
      if (more) give_inputs(c + 1);
      reduce_groups(c);
      if (more) reduce_group(c + 1);
      give_result(c);
      take_outputs(c);
    }
  }

 private:
  struct Area {
    std::size_t first = 0;
    std::size_t bytes = 0;  // for one chunk
    std::size_t row_bytes = 0;

    std::size_t at(std::size_t chunk, std::size_t row) const {
      return first + chunk % kBufferedChunks * bytes + row * row_bytes;
    }
  };

  // Elements of the vector, of a chunk's piece for a place, and of that piece's part for a group,
  // relative to the piece.
  std::size_t first_of(std::size_t chunk) const { return chunk * plan_.chunk; }
  Share piece(std::size_t chunk, int place) const {
    return even_share(std::min(plan_.chunk, request_.count - first_of(chunk)), groups_.size(),
                      place);
  }
  Share part(std::size_t chunk, int group) const {
    return even_share(piece(chunk, groups_.place()).count, groups_.count(), group);
  }
  std::byte* mine(std::size_t offset) const { return staging_.data() + offset; }
  static unsigned step_of(std::size_t chunk) { return static_cast<unsigned>(chunk + 1); }

  void give(Rank peer, std::size_t offset, const std::byte* source, std::size_t bytes) const {
    if (bytes != 0) operation_.put_staging(peer, offset, {source, bytes});
  }

  void await_mates(Phase phase, std::size_t chunk) const {
    for (int i = 1; i < groups_.size(); ++i) {
      operation_.wait_step(groups_.mate(i), phase, step_of(chunk));
    }
    operation_.charge(LocalWork::looks(static_cast<std::size_t>(groups_.size()) - 1));
  }
  void await_counterparts(Phase phase, std::size_t chunk) const {
    for (int i = 1; i < groups_.count(); ++i) {
      operation_.wait_step(groups_.counterpart(i), phase, step_of(chunk));
    }
    operation_.charge(LocalWork::looks(static_cast<std::size_t>(groups_.count()) - 1));
  }

  // A
  void give_inputs(std::size_t chunk) {
    operation_.post_together([&] {
      for (int i = 1; i < groups_.size(); ++i) {
        const int place = groups_.place_behind(i);
        const Share their = piece(chunk, place);
        const std::byte* const from = request_.send + (first_of(chunk) + their.first) * size_;
        give(groups_.mate(i), inputs_.at(chunk, row_of(groups_.place(), place, groups_.size())),
             from, their.count * size_);
        operation_.post(groups_.mate(i), Phase::kReady, step_of(chunk));
      }
    });
  }

  // B
  void reduce_group(std::size_t chunk) {
    await_mates(Phase::kReady, chunk);
    add_inputs(chunk);
    operation_.post_together([&] {
      for (int i = 1; i < groups_.count(); ++i) {
        const int group = groups_.group_behind(i);
        const Share their = part(chunk, group);
        give(groups_.counterpart(i),
             partials_.at(chunk, row_of(groups_.group(), group, groups_.count())),
             mine(sums_.at(chunk, 0) + their.first * plan_.partial_bytes),
             their.count * plan_.partial_bytes);
        operation_.post(groups_.counterpart(i), Phase::kReady, step_of(chunk));
      }
    });
  }

  void add_inputs(std::size_t chunk) {
    const Share own = piece(chunk, groups_.place());
    if (own.count == 0) return;
    const std::size_t bytes = own.count * size_;
    PerRank<const std::byte*> sources(groups_.size());
    for (int place = 0; place < groups_.size(); ++place) {
      sources[place] =
          place == groups_.place()
              ? request_.send + (first_of(chunk) + own.first) * size_
              : mine(inputs_.at(chunk, row_of(place, groups_.place(), groups_.size())));
    }
    std::byte* sum = mine(sums_.at(chunk, 0));
    channel_.touches(Reads{sources.all(), bytes}, Write{sum, own.count * plan_.partial_bytes});
    if (channel_.moves(Read{sources[groups_.place()], bytes})) {
      if (partials_are_float(request_)) {
        NarrowReduction(whole()).float_sum(sources.all(), own.count, sum);
      } else {
        kernels::reduce({.type = request_.type, .op = partial_op()}, {&sum, 1}, sources.all(),
                        own.count);
      }
    }
    operation_.charge(LocalWork::reduce(static_cast<std::size_t>(groups_.size()) * bytes));
    operation_.charge(LocalWork::sync());
  }

  // C
  void reduce_groups(std::size_t chunk) {
    await_counterparts(Phase::kReady, chunk);
    const Share own = part(chunk, groups_.group());
    const std::size_t at = result_.at(chunk, 0) + own.first * size_;
    add_partials(chunk, own, mine(at));
    operation_.post_together([&] {
      for (int i = 1; i < groups_.count(); ++i) {
        give(groups_.counterpart(i), at, mine(at), own.count * size_);
        operation_.post(groups_.counterpart(i), Phase::kDone, step_of(chunk));
      }
    });
  }

  void add_partials(std::size_t chunk, const Share& own, std::byte* to) {
    if (own.count == 0) return;
    const std::size_t bytes = own.count * plan_.partial_bytes;
    PerRank<const std::byte*> sources(groups_.count());
    for (int group = 0; group < groups_.count(); ++group) {
      sources[group] =
          group == groups_.group()
              ? mine(sums_.at(chunk, 0) + own.first * plan_.partial_bytes)
              : mine(partials_.at(chunk, row_of(group, groups_.group(), groups_.count())));
    }
    channel_.touches(Reads{sources.all(), bytes}, Write{to, own.count * size_});
    // Of a hollow input there are no sums.
    if (channel_.moves(Read{request_.send, 0})) {
      if (partials_are_float(request_)) {
        NarrowReduction(whole()).narrow_result(sources.all(), own.count, to);
      } else {
        kernels::reduce(whole(), {&to, 1}, sources.all(), own.count);
      }
    }
    operation_.charge(LocalWork::reduce(static_cast<std::size_t>(groups_.count()) * bytes));
    operation_.charge(LocalWork::sync());
  }

  // D
  void give_result(std::size_t chunk) {
    await_counterparts(Phase::kDone, chunk);
    const Share own = piece(chunk, groups_.place());
    const std::byte* const result = mine(result_.at(chunk, 0));
    operation_.post_together([&] {
      for (int i = 1; i < groups_.size(); ++i) {
        const std::size_t row = row_of(groups_.place(), groups_.place_behind(i), groups_.size());
        give(groups_.mate(i), outputs_.at(chunk, row), result, own.count * size_);
        operation_.post(groups_.mate(i), Phase::kDone, step_of(chunk));
      }
    });
    take(chunk, own, result);
  }

  // E
  void take_outputs(std::size_t chunk) {
    await_mates(Phase::kDone, chunk);
    for (int i = 1; i < groups_.size(); ++i) {
      const int place = groups_.place_behind(i);
      const std::size_t row = row_of(place, groups_.place(), groups_.size());
      take(chunk, piece(chunk, place), mine(outputs_.at(chunk, row)));
    }
  }

  void take(std::size_t chunk, const Share& piece, const std::byte* from) const {
    const std::size_t bytes = piece.count * size_;
    if (bytes == 0) return;
    std::byte* const to = request_.recv + (first_of(chunk) + piece.first) * size_;
    channel_.touches(Read{from, bytes});
    if (channel_.moves(Write{to, bytes})) kernels::copy(to, from, bytes);
    operation_.charge(LocalWork::copy(bytes));
  }

  kernels::Reduction whole() const {
    return {.type = request_.type, .op = request_.reducer.op, .divisor = operation_.ranks()};
  }
  // An average is divided when it is whole.
  tuttiRedOp_t partial_op() const {
    return request_.reducer.op == tuttiAvg ? tuttiSum : request_.reducer.op;
  }

  const Operation& operation_;
  Channel& channel_;
  const Request& request_;
  const Groups groups_;
  const std::span<std::byte> staging_;
  const TwoLevelPlan plan_;
  const std::size_t size_;
  Area inputs_;    // a row from each mate
  Area sums_;      // of this group
  Area partials_;  // a row from each counterpart
  Area result_;    // of all, this rank's piece
  Area outputs_;   // a row from each mate
};

}  // namespace

TwoLevelPlan two_level_plan(const Request& request, int ranks, int group, std::size_t slot_bytes) {
  const auto members = static_cast<std::size_t>(group);
  const auto groups = static_cast<std::size_t>(ranks) / members;
  const std::size_t size = request.element_bytes();
  TwoLevelPlan plan;
  plan.partial_bytes = partials_are_float(request) ? sizeof(float) : size;
  // Parts are a grain longer than even at most.
  const std::size_t spare = groups * TwoLevelPlan::kGrain * plan.partial_bytes;
  const std::size_t room = slot_bytes / kBufferedChunks;
  if (room <= spare) return plan;
  const std::size_t element = (2 * (members - 1) + 1) * size + 2 * plan.partial_bytes;
  plan.piece = (room - spare) / element / TwoLevelPlan::kGrain * TwoLevelPlan::kGrain;
  if (plan.piece == 0) return plan;
  plan.part = (plan.piece / TwoLevelPlan::kGrain + groups - 1) / groups * TwoLevelPlan::kGrain;
  plan.chunk = members * plan.piece;
  plan.chunks = (request.count + plan.chunk - 1) / plan.chunk;
  return plan;
}

bool fits(const TwoLevelPlan& plan) { return plan.piece != 0 && plan.chunks <= kMostSteps; }

void two_level(const Operation& operation, const Request& request, int group) {
  TwoLevelReduction(operation, request, group).run();
}

}  // namespace tutti
