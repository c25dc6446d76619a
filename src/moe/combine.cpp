#include "moe/combine.hpp"

#include <array>
#include <cstring>
#include <utility>

#include "base/data_type.hpp"
#include "base/error.hpp"
#include "base/ticks.hpp"
#include "kernels/combine.hpp"
#include "kernels/shared_copy.hpp"
#include "moe/delivery.hpp"
#include "moe/in_line.hpp"
#include "moe/result_rows.hpp"

namespace tutti::moe {

namespace {

// Where a rank's rows lie, and the numbers of the reader's rows among them: few of them stand
// behind this.
struct CombineLine {
  ShortRef rows;
  std::uint64_t return_rows_offset;  // in its heap
  std::uint32_t row_stride;
  std::uint32_t num_rows;
};
static_assert(sizeof(CombineLine) == kLineHeaderBytes);

class Combine {
 public:
  Combine(const Operation& operation, Plan& plan, const CombineCall& call)
      : operation_(operation),
        channel_(operation.channel()),
        plan_(plan),
        args_(call.args),
        out_(static_cast<std::byte*>(call.out)),
        row_bytes_(args_.hidden * size_of(args_.type)),
        self_(operation.rank()),
        ranks_(operation.ranks()),
        entries_(plan.scratch.entries) {
    entries_.resize(static_cast<std::size_t>(ranks_));
  }

  void run() {
    operation_.enter();
    operation_.charge(LocalWork::entry());
    const Arrivals& arrivals = plan_.arrange(*plan_.dispatched_layout());
    operation_.enter();
    const std::size_t rows = arrivals.num_rows();
    const std::size_t lent = rows == 0 ? 0 : (rows - 1) * args_.row_stride + row_bytes_;
    const std::size_t written = static_cast<std::size_t>(plan_.tokens()) * row_bytes_;
    operation_.take(args_.rows, lent, false);
    operation_.take(out_, written, true);
    announce(arrivals);
    plan_.scratch.views.clear();
    plan_.scratch.return_rows.resize(static_cast<std::size_t>(ranks_));
    for (Rank peer = 0; peer < ranks_; ++peer) hear(peer);
    operation_.charge(LocalWork::looks(static_cast<std::size_t>(ranks_) - 1));
    map_tokens();
    const std::uint64_t start = plan_.stored.timed ? ticks() : 0;
    sum_tokens();
    if (plan_.stored.timed) plan_.trials.note_combine(plan_.stored, ticks() - start);
    operation_.charge(LocalWork::sync());
    operation_.post_to_others(Phase::kDone);
    for (Rank peer = 0; peer < ranks_; ++peer) {
      if (peer != self_) operation_.await(peer, Phase::kDone);
    }
    operation_.charge(LocalWork::looks(static_cast<std::size_t>(ranks_) - 1));
    operation_.give_back(args_.rows, lent, false);
    operation_.give_back(out_, written, true);
  }

 private:
  static std::size_t at(Rank rank) { return static_cast<std::size_t>(rank); }

  bool read_by_all(MemoryRef::Where where) const {
    return channel_.reached_by_all(where) ||
           (row_bytes_ >= Delivery::kLeastGetBytes && channel_.copied_by_all(where));
  }

  void announce(const Arrivals& arrivals) {
    const auto* rows = static_cast<const std::byte*>(args_.rows);
    std::size_t stride = args_.row_stride;
    const std::size_t count = arrivals.num_rows();
    const std::size_t extent = count == 0 ? 0 : (count - 1) * stride + row_bytes_;
    MemoryRef ref = channel_.refer(rows, extent);
    if (ranks_ > 1 && extent != 0 && (!read_by_all(ref.where) || stride > kMostStride)) {
      plan_.staged_results.reserve_payload(count * row_bytes_);
      std::byte* const staged = plan_.staged_results.data();
      kernels::SharedCopy staging(channel_.gauge(), count * row_bytes_);
      for (std::size_t i = 0; i < count; ++i) {
        if (!channel_.moves(Read{rows + i * stride, row_bytes_},
                            Write{staged + i * row_bytes_, row_bytes_})) {
          break;
        }
        staging.copy(staged + i * row_bytes_, rows + i * stride, row_bytes_);
      }
      operation_.charge(LocalWork::copy(count * row_bytes_));
      rows = staged;
      stride = row_bytes_;
      ref = channel_.refer(rows, plan_.staged_results.size());
    }
    plan_.was_staged = rows != args_.rows;
    operation_.charge(LocalWork::sync());
    entries_[at(self_)] = {.rows = ref, .row_stride = stride, .num_rows = count};
    own_rows_ = rows;
    operation_.post_together([&] {
      for (int i = 1; i < ranks_; ++i) {
        const Rank peer = (self_ + i) % ranks_;
        const auto theirs = plan_.return_rows(peer);
        const CombineLine line{
            .rows = ShortRef(ref),
            .return_rows_offset = channel_.refer(theirs.data(), theirs.size_bytes()).offset,
            .row_stride = static_cast<std::uint32_t>(stride),
            .num_rows = static_cast<std::uint32_t>(count)};
        LineContent content;
        std::memcpy(content.payload, &line, sizeof(line));
        if (theirs.size() <= kMostInLine) write_in_line(content, theirs);
        operation_.post(peer, Phase::kEntry, content);
      }
    });
  }

  // Takes what the peer says, and which of its rows are this rank's, or where that is to be read.
  void hear(Rank peer) {
    auto& rows = plan_.scratch.return_rows[at(peer)];
    const std::size_t count = plan_.table().entries_for(peer).size();
    if (peer == self_) {
      rows = plan_.return_rows(self_);
      return;
    }
    const Line& heard = operation_.wait(peer, Phase::kEntry);
    CombineLine line;
    std::memcpy(&line, heard.payload, sizeof(line));
    entries_[at(peer)] = {
        .rows = line.rows.ref(), .row_stride = line.row_stride, .num_rows = line.num_rows};
    if (count <= kMostInLine) {
      rows = items_in_line<std::uint32_t>(heard, count);
      return;
    }
    plan_.scratch.views.push_back({.peer = peer,
                                   .offset = line.return_rows_offset,
                                   .bytes = count * sizeof(std::uint32_t),
                                   .data = nullptr});
  }

  bool by_rank() const { return args_.reduction == tuttiMoeRankOrder; }

  // Which rows make up each token; kept while the dispatch is the same.
  void map_tokens() {
    if (plan_.places_by_rank() == by_rank()) return;
    auto& rows = plan_.scratch.return_rows;
    channel_.view(MemoryRef::Where::kHeap, plan_.scratch.views);
    for (const View& view : plan_.scratch.views) {
      rows[at(view.peer)] = {reinterpret_cast<const std::uint32_t*>(view.data),
                             view.bytes / sizeof(std::uint32_t)};
    }
    for (const View& view : plan_.scratch.views) channel_.touches(Read{view.data, view.bytes});
    if (by_rank()) {
      map_by_rank(plan_.table(), rows, plan_.places());
    } else {
      map_by_lane(plan_.table(), rows, plan_.places());
    }
    check_places();
    std::size_t lines = 0;
    for (const auto& of_peer : rows) lines += lines_beside(of_peer.size(), sizeof(std::uint32_t));
    operation_.charge(LocalWork::looks(lines));
    plan_.places_by_rank() = by_rank();
  }

  // Row numbers come from peers.
  void check_places() {
    for (const RowPlace& place : plan_.places()) {
      if (place.rank < 0 || place.row < entries_[at(place.rank)].num_rows) continue;
      channel_.raise(Error(tuttiRemoteError,
                           fmt::format("rank {} says that a row is its {}th of {}", place.rank,
                                       place.row, entries_[at(place.rank)].num_rows),
                           {place.rank}));
    }
  }

  void sum_tokens() {
    const auto tokens = static_cast<std::size_t>(plan_.tokens());
    const auto lanes = static_cast<std::size_t>(plan_.lanes());
    const auto places = plan_.places();
    const auto lane_weights = plan_.lane_weights();
    const auto num_biases = static_cast<std::size_t>(args_.num_biases);
    std::array<const std::byte*, kMaxLanes> rows;
    std::array<float, kMaxLanes> weights;
    auto& biases = plan_.scratch.biases;
    biases.resize(num_biases);
    ResultRows results(channel_, plan_, row_bytes_, own_rows_);
    std::size_t brought = 0;
    std::size_t inputs = tokens * num_biases;
    for (std::size_t token = 0; token < tokens; ++token) {
      if (token == brought) brought = results.bring(token);
      std::size_t count = 0;
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        const RowPlace& place = places[token * lanes + lane];
        if (place.rank < 0) continue;
        rows[count] = results.next(place);
        weights[count] = lane_weights[token * lanes + lane];
        ++count;
      }
      inputs += count;
      for (std::size_t b = 0; b < num_biases; ++b) {
        biases[b] = static_cast<const std::byte*>(args_.biases[b]) + token * row_bytes_;
      }
      std::byte* const sum = out_ + token * row_bytes_;
      if (!channel_.moves(Write{sum, row_bytes_}, Reads{{rows.data(), count}, row_bytes_},
                          Reads{biases, row_bytes_})) {
        continue;
      }
      kernels::weighted_sum(args_.type, sum, {rows.data(), count},
                            {weights.data(), by_rank() ? 0 : count}, biases, args_.hidden);
    }
    operation_.charge(LocalWork::reduce(inputs * row_bytes_));
  }

  const Operation& operation_;
  Channel& channel_;
  Plan& plan_;
  const tuttiMoeCombineArgs_t& args_;
  std::byte* out_;
  std::size_t row_bytes_;
  Rank self_;
  int ranks_;
  std::vector<CombineEntry>& entries_;
  const std::byte* own_rows_ = nullptr;
};

}  // namespace

CombineCall check_combine(const Config& config, const Plan& plan,
                          const std::optional<Layout>& layout, const tuttiMoeCombineArgs_t* args,
                          void* out) {
  if (args == nullptr) fail(tuttiInvalidArgument, "args is NULL");
  if (args->size != sizeof(*args)) {
    fail(tuttiInvalidArgument,
         "args->size is wrong: start from TUTTI_MOE_COMBINE_ARGS_INITIALIZER");
  }
  if (!layout) {
    fail(tuttiInvalidUsage, "combine needs a dispatch of this plan's last update before it");
  }
  if (args->type != tuttiBfloat16 && args->type != tuttiFloat16 && args->type != tuttiFloat32) {
    fail(tuttiInvalidUsage, "combine adds bfloat16, float16 or float32 rows, not {}",
         name_of(args->type));
  }
  const std::size_t size = size_of(args->type);
  if (args->hidden == 0 || args->hidden > config.max_row_bytes / size) {
    fail(tuttiInvalidArgument, "args->hidden is {}, expected 1 to {}", args->hidden,
         config.max_row_bytes / size);
  }
  const bool token = layout->kind == tuttiMoeLayoutToken;
  if (token != (args->reduction == tuttiMoeRankOrder)) {
    fail(tuttiInvalidUsage, "{} rows are combined {}", token ? "TOKEN" : "EXPERT",
         token ? "in rank order (tuttiMoeRankOrder)" : "at the source (tuttiMoeSourceOnly)");
  }
  CombineCall call{.args = *args, .out = out};
  if (call.args.row_stride == 0) call.args.row_stride = args->hidden * size;
  if (call.args.row_stride < args->hidden * size) {
    fail(tuttiInvalidArgument, "args->row_stride is {}, expected 0 or at least {}",
         args->row_stride, args->hidden * size);
  }
  if (args->num_biases < 0 || (args->num_biases > 0 && args->biases == nullptr)) {
    fail(tuttiInvalidArgument, "args->num_biases is {} and biases is {}", args->num_biases,
         args->biases == nullptr ? "NULL" : "given");
  }
  for (int b = 0; b < args->num_biases; ++b) {
    if (args->biases[b] == nullptr && plan.tokens() != 0) {
      fail(tuttiInvalidArgument, "args->biases[{}] is NULL", b);
    }
  }
  if (out == nullptr && plan.tokens() != 0) {
    fail(tuttiInvalidArgument, "out is NULL with {} tokens", plan.tokens());
  }
  return call;
}

OperationShape shape_of(const CombineCall& call) {
  return {
      .kind = OperationKind::kMoeCombine,
      .type = call.args.type,
      .count = call.args.hidden * 2 + static_cast<std::uint64_t>(call.args.reduction),
      .digests = digests_of(kMoeCombineArguments,
                            {call.args.hidden, static_cast<std::uint64_t>(call.args.reduction)})};
}

void combine(const Operation& operation, Plan& plan, const CombineCall& call) {
  Combine(operation, plan, call).run();
}

}  // namespace tutti::moe
