#include "moe/dispatch.hpp"

#include <cstring>

#include "base/error.hpp"
#include "kernels/shared_copy.hpp"
#include "moe/delivery.hpp"

namespace tutti::moe {

namespace {

// Where a source's rows and side payloads lie. The weights of few entries stand behind it.
struct DispatchEntry {
  ShortRef rows;
  ShortRef side;
  std::uint32_t row_stride;
  std::uint32_t side_stride;
};
static_assert(sizeof(DispatchEntry) == kLineHeaderBytes);

class Dispatch {
 public:
  Dispatch(const Operation& operation, const Config& config, Plan& plan, const DispatchCall& call)
      : operation_(operation),
        channel_(operation.channel()),
        config_(config),
        plan_(plan),
        args_(call.args),
        output_(*call.output),
        layout_(call.layout),
        self_(operation.rank()),
        ranks_(operation.ranks()) {}

  bool run() {
    operation_.enter();
    lend([this](const void* data, std::size_t bytes) { operation_.take(data, bytes, false); });
    operation_.charge(LocalWork::entry());
    plan_.set_weights(args_.topk_weights);
    announce();
    const Arrivals& arrivals = plan_.arrange(layout_);
    operation_.enter();
    make_ready_to_relay();
    const bool library_owned = output_.rows == nullptr;
    output_.num_rows = arrivals.num_rows();
    const bool fits = library_owned || output_.capacity_rows >= arrivals.num_rows();
    if (fits && library_owned) take_library_memory(arrivals.num_rows());
    // A disagreement shows in the lines, and must leave the caller's memory as it was.
    if (!library_owned) await_entries();
    plan_.stored =
        plan_.trials.way_of(operation_.sequence(), arrivals.num_rows() * args_.row_bytes);
    Delivery delivery(channel_, plan_, arrivals, config_.rows_per);
    for (int i = 0; i < ranks_; ++i) {
      const Rank source = (self_ + i) % ranks_;
      if (source != self_) operation_.await(source, Phase::kEntry);
      pull(source, delivery, fits);
    }
    operation_.charge(LocalWork::looks(static_cast<std::size_t>(ranks_) - 1));
    delivery.finish();
    if (!plan_.relays().none()) pull_relayed(delivery, fits);
    if (fits) {
      if (plan_.stored.timed) plan_.trials.note_dispatch(plan_.stored, delivery.ticks_spent());
      finish_output(arrivals);
    }
    operation_.charge(LocalWork::sync());
    operation_.post_to_others(Phase::kDone);
    for (Rank peer = 0; peer < ranks_; ++peer) {
      if (peer != self_) operation_.await(peer, Phase::kDone);
    }
    operation_.charge(LocalWork::looks(static_cast<std::size_t>(ranks_) - 1));
    lend([this](const void* data, std::size_t bytes) { operation_.give_back(data, bytes, false); });
    if (fits) {
      give_back_output(arrivals.num_rows());
      plan_.dispatched(layout_, arrivals.num_rows());
    }
    return fits;
  }

 private:
  void await_entries() {
    for (int i = 1; i < ranks_; ++i) operation_.await((self_ + i) % ranks_, Phase::kEntry);
  }

  // What the caller brings.
  template <typename Lent>
  void lend(const Lent& lent) const {
    if (channel_.watch() == nullptr) [[likely]]
      return;
    lent(args_.rows, extent(args_.row_stride, args_.row_bytes));
    lent(args_.side, extent(args_.side_stride, args_.side_bytes));
  }
  void give_back_output(std::size_t rows) const {
    operation_.give_back(output_.rows, rows * args_.row_bytes, true);
    operation_.give_back(output_.side, output_.side == nullptr ? 0 : rows * args_.side_bytes, true);
  }
  std::size_t extent(std::size_t stride, std::size_t bytes) const {
    return tokens() == 0 || bytes == 0 ? 0 : (tokens() - 1) * stride + bytes;
  }
  std::size_t tokens() const { return static_cast<std::size_t>(plan_.tokens()); }

  // Where peers read a part of the step; copied to library memory first where they could not.
  Parts publish(const void* data, std::size_t stride, std::size_t bytes, HeapBlock& staging) {
    const auto* first = static_cast<const std::byte*>(data);
    const std::size_t whole = extent(stride, bytes);
    const MemoryRef ref = channel_.refer(first, whole);
    if (whole == 0 || ranks_ == 1) return {ref, stride, bytes};
    if (stride <= kMostStride &&
        (channel_.reached_by_all(ref.where) ||
         (bytes >= Delivery::kLeastGetBytes && channel_.copied_by_all(ref.where)))) {
      return {ref, stride, bytes};
    }
    staging.reserve_payload(tokens() * bytes);
    kernels::SharedCopy copies(channel_.gauge(), tokens() * bytes);
    for (std::size_t t = 0; t < tokens(); ++t) {
      if (!channel_.moves(Read{first + t * stride, bytes},
                          Write{staging.data() + t * bytes, bytes})) {
        break;
      }
      copies.copy(staging.data() + t * bytes, first + t * stride, bytes);
    }
    operation_.charge(LocalWork::load({.count = tokens(), .bytes = bytes}));
    return {channel_.refer(staging.data(), staging.size()), bytes, bytes};
  }

  void announce() {
    rows_ = publish(args_.rows, args_.row_stride, args_.row_bytes, plan_.staged_rows);
    plan_.was_staged = rows_.first.offset != channel_.refer(args_.rows, 0).offset;
    side_ = publish(args_.side, args_.side_stride, args_.side_bytes, plan_.staged_side);
    const DispatchEntry entry{.rows = ShortRef(rows_.first),
                              .side = ShortRef(side_.first),
                              .row_stride = static_cast<std::uint32_t>(rows_.stride),
                              .side_stride = static_cast<std::uint32_t>(side_.stride)};
    LineContent content;
    std::memcpy(content.payload, &entry, sizeof(entry));
    operation_.charge(LocalWork::sync());
    operation_.post_together([&] {
      for (int i = 1; i < ranks_; ++i) {
        const Rank peer = (self_ + i) % ranks_;
        const auto weights = plan_.weights_for(peer);
        if (weights.size() <= kMostInLine) write_in_line(content, weights);
        operation_.post(peer, Phase::kEntry, content);
      }
    });
  }

  void take_library_memory(std::size_t rows) {
    const std::size_t lanes = static_cast<std::size_t>(plan_.lanes());
    const bool token = layout_.kind == tuttiMoeLayoutToken;
    plan_.output_rows.reserve_payload(rows * args_.row_bytes);
    plan_.output_side.reserve_payload(rows * args_.side_bytes);
    plan_.output_weights.reserve(rows * sizeof(float) * (token ? lanes : 1));
    output_.rows = plan_.output_rows.data();
    output_.side = args_.side_bytes != 0 ? plan_.output_side.data() : nullptr;
    output_.weights = reinterpret_cast<float*>(plan_.output_weights.data());
    if (token) {
      plan_.output_ids.reserve(rows * sizeof(std::int32_t) * lanes);
      output_.ids = reinterpret_cast<std::int32_t*>(plan_.output_ids.data());
    }
  }

  // Mates read here whatever becomes of this rank's output.
  void make_ready_to_relay() {
    if (plan_.relays().none()) return;
    RelayBlock& block = plan_.relayed;
    block.arrange(plan_.entries());
    block.rows.reserve_payload(block.tokens() * args_.row_bytes);
    block.side.reserve_payload(block.tokens() * args_.side_bytes);
  }

  // `out`: nullptr where there is no output.
  void take(Rank source, const Parts& parts, Delivery& delivery, void* out,
            const HeapBlock& relayed) {
    const bool relays = plan_.relayed.tokens() > 0;
    if (parts.bytes == 0 || (out == nullptr && !relays)) return;
    Delivery::Places places{.out = static_cast<std::byte*>(out)};
    if (relays) places.relayed = plan_.relayed.place_of(source, relayed, parts.bytes);
    delivery.take(source, parts, places);
  }

  void pull(Rank source, Delivery& delivery, bool fits) {
    if (plan_.entries_from(source).empty()) return;
    Parts rows = rows_;
    Parts side = side_;
    if (source != self_) {
      DispatchEntry entry;
      std::memcpy(&entry, operation_.line(source, Phase::kEntry).payload, sizeof(entry));
      rows = {entry.rows.ref(), entry.row_stride, args_.row_bytes};
      side = {entry.side.ref(), entry.side_stride, args_.side_bytes};
    }
    take(source, rows, delivery, fits ? output_.rows : nullptr, plan_.relayed.rows);
    take(source, side, delivery, fits ? output_.side : nullptr, plan_.relayed.side);
  }

  void pull_relayed(Delivery& delivery, bool fits) {
    RelayReader reader(operation_, plan_.relays().mates());
    if (plan_.relayed.tokens() > 0) reader.tell(plan_.relayed);
    if (!fits) return;
    reader.hear(plan_.entries());
    using Of = RelayReader::Of;
    delivery.take_relayed(reader, Of::kRows, args_.row_bytes,
                          static_cast<std::byte*>(output_.rows));
    delivery.take_relayed(reader, Of::kSide, args_.side_bytes,
                          static_cast<std::byte*>(output_.side));
  }

  void finish_output(const Arrivals& arrivals) {
    const auto weights = plan_.bring_weights(operation_);
    for (const auto& of_source : weights) {
      channel_.touches(Read{of_source.data(), of_source.size_bytes()});
    }
    if (layout_.kind == tuttiMoeLayoutToken) {
      arrivals.fill_lanes(plan_.lanes(), weights, output_.ids, output_.weights);
      return;
    }
    if (output_.weights != nullptr) {
      arrivals.fill_weights(weights, {output_.weights, arrivals.num_rows()});
    }
    if ((args_.flags & TUTTI_MOE_ZERO_PADDING) != 0) zero_padding(arrivals);
  }

  void zero_padding(const Arrivals& arrivals) {
    const auto counts = arrivals.expert_counts();
    const auto offsets = arrivals.expert_offsets();
    for (std::size_t e = 0; e < counts.size(); ++e) {
      const auto first = static_cast<std::size_t>(offsets[e] + counts[e]);
      const auto count = static_cast<std::size_t>(offsets[e + 1]) - first;
      if (count == 0) continue;
      const auto zero = [&](void* out, std::size_t bytes) {
        std::byte* const to = static_cast<std::byte*>(out) + first * bytes;
        if (channel_.moves(Write{to, count * bytes})) std::memset(to, 0, count * bytes);
      };
      zero(output_.rows, args_.row_bytes);
      if (output_.side != nullptr && args_.side_bytes != 0) zero(output_.side, args_.side_bytes);
      operation_.charge(LocalWork::copy(count * (args_.row_bytes + args_.side_bytes)));
    }
  }

  const Operation& operation_;
  Channel& channel_;
  const Config& config_;
  Plan& plan_;
  const tuttiMoeDispatchArgs_t& args_;
  tuttiMoeOutput_t& output_;
  Layout layout_;
  Rank self_;
  int ranks_;
  Parts rows_;
  Parts side_;
};

}  // namespace

DispatchCall check_dispatch(const Config& config, const Plan& plan,
                            const tuttiMoeDispatchArgs_t* args, tuttiMoeOutput_t* output) {
  if (args == nullptr || output == nullptr) fail(tuttiInvalidArgument, "args or output is NULL");
  if (args->size != sizeof(*args) || output->size != sizeof(*output)) {
    fail(tuttiInvalidArgument, "args->size or output->size is wrong: start from the initializers");
  }
  if (!plan.updated()) fail(tuttiInvalidUsage, "the plan has no routing: call tuttiMoePlanUpdate");
  if (args->row_bytes == 0 || args->row_bytes > config.max_row_bytes) {
    fail(tuttiInvalidArgument, "args->row_bytes is {}, expected 1 to {}", args->row_bytes,
         config.max_row_bytes);
  }
  if (args->side_bytes > config.max_side_bytes) {
    fail(tuttiInvalidArgument, "args->side_bytes is {}, expected at most {}", args->side_bytes,
         config.max_side_bytes);
  }
  DispatchCall call{.args = *args, .output = output};
  const auto stride = [](const char* field, std::size_t& value, std::size_t bytes) {
    if (value == 0) value = bytes;
    if (value < bytes) {
      fail(tuttiInvalidArgument, "args->{} is {}, expected 0 or at least {}", field, value, bytes);
    }
  };
  stride("row_stride", call.args.row_stride, args->row_bytes);
  stride("side_stride", call.args.side_stride, args->side_bytes);
  if (args->rows == nullptr && plan.tokens() != 0) {
    fail(tuttiInvalidArgument, "args->rows is NULL with {} tokens", plan.tokens());
  }
  if (args->side == nullptr && args->side_bytes != 0 && plan.tokens() != 0) {
    fail(tuttiInvalidArgument, "args->side is NULL with side_bytes {}", args->side_bytes);
  }
  if ((args->flags & ~TUTTI_MOE_ZERO_PADDING) != 0) {
    fail(tuttiInvalidArgument, "args->flags has unknown bits: {:#x}", args->flags);
  }
  if (args->layout != tuttiMoeLayoutToken && args->layout != tuttiMoeLayoutExpert) {
    fail(tuttiInvalidArgument, "args->layout is {}, expected TOKEN (0) or EXPERT (1)",
         static_cast<int>(args->layout));
  }
  if (args->align < 0)
    fail(tuttiInvalidArgument, "args->align is {}, expected 0 or more", args->align);
  call.layout = layout_of(args->layout, config.rows_per, args->align);
  return call;
}

OperationShape shape_of(const DispatchCall& call, const Plan& plan) {
  std::uint64_t digest = 0;
  for (const std::uint64_t value :
       {std::uint64_t{call.args.row_bytes}, std::uint64_t{call.args.side_bytes},
        static_cast<std::uint64_t>(call.args.layout), std::uint64_t{call.layout.align},
        std::uint64_t{call.args.flags}, static_cast<std::uint64_t>(plan.lanes())}) {
    digest = (digest ^ value) * 0x9E3779B97F4A7C15u;
  }
  return {.kind = OperationKind::kMoeDispatch,
          .count = digest,
          .digests = digests_of(kMoeDispatchArguments,
                                {call.args.row_bytes, call.args.side_bytes, call.layout.align,
                                 static_cast<std::uint64_t>(call.args.layout), call.args.flags})};
}

bool dispatch(const Operation& operation, const Config& config, Plan& plan,
              const DispatchCall& call) {
  return Dispatch(operation, config, plan, call).run();
}

}  // namespace tutti::moe
