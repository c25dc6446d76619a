#include "engine.hpp"

namespace moe_engine {
namespace {

// Of a block of products: enough for OpenBLAS to be at 80 % of its peak, and few enough for decode,
// where an expert has a row or two.
constexpr std::size_t kBlockRows = 8;

tuttiMoeConfig_t group_config(const ModelConfig& config, std::size_t tokens) {
  tuttiMoeConfig_t sizes = tutti::moe_config();
  sizes.num_experts = static_cast<int>(config.experts);
  sizes.max_tokens_per_rank = static_cast<int>(tokens);
  sizes.max_topk = static_cast<int>(config.top_k);
  sizes.max_row_bytes = config.dim * sizeof(float);
  sizes.max_inflight = Schedule::kHalves;
  return sizes;
}

}  // namespace

Engine::Engine(const Model& model, const EngineOptions& options, tutti::Communicator& comm)
    : comm_(comm),
      vocab_(model.config().vocab),
      clock_(comm, options.device),
      products_(kBlockRows, product_shapes(model.config())),
      group_(comm, group_config(model.config(), options.step_tokens)),
      transformer_(model, group_.local_experts(), products_, options.step_tokens, clock_) {
  const Exchange::Shape shape{.tokens = products_.padded(options.step_tokens),
                              .dim = model.config().dim,
                              .top_k = static_cast<int>(model.config().top_k),
                              .layout = options.layout,
                              .align = static_cast<int>(products_.block_rows())};
  for (auto& half : halves_) half = std::make_unique<Microbatch>(group_, shape, vocab_, clock_);
}

EngineTimes Engine::serve(Schedule& schedule) {
  const std::array all{halves_[0].get(), halves_[1].get()};
  const Schedule::Batches batches{&all[0]->tokens, &all[1]->tokens};
  EngineTimes times;
  comm_.barrier();
  const double begin = clock_.now();
  while (true) {
    schedule.fill(batches);
    const std::size_t used = agree(times);
    if (used == 0) break;
    transformer_.step(std::span(all).first(used));
    for (const auto* batch : batches) times.read += static_cast<double>(batch->size());
    times.steps += 1;
    schedule.take(batches, {all[0]->logits, all[1]->logits});
  }
  times.total = clock_.now() - begin;
  times.dense = transformer_.times().dense;
  times.experts = transformer_.times().experts;
  for (const auto* half : all) times.exchange += half->exchange.times();
  return times;
}

// A half may be empty here and not elsewhere, where its tokens need the experts of this rank.
std::size_t Engine::agree(EngineTimes& times) {
  const double begin = clock_.now();
  std::array<std::uint32_t, 1> used{0};
  for (std::uint32_t h = 0; h < Schedule::kHalves; ++h) {
    if (!halves_[h]->tokens.empty()) used[0] = h + 1;
  }
  comm_.all_reduce(used, used, tuttiMax);
  times.agreement += clock_.now() - begin;
  return used[0];
}

}  // namespace moe_engine
