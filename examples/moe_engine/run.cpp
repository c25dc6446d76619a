#include "run.hpp"

#include "../common/gather.hpp"
#include "report.hpp"

namespace moe_engine {
namespace {

// Requests go to ranks in turn.
std::vector<const Request*> share_of(const Workload& work, std::size_t rank, std::size_t ranks) {
  std::vector<const Request*> mine;
  for (std::size_t i = rank; i < work.requests.size(); i += ranks) {
    mine.push_back(&work.requests[i]);
  }
  return mine;
}

// On rank 0: of all requests, in their order.
std::vector<Answer> gather_answers(const Schedule& schedule, std::size_t requests,
                                   std::size_t longest, tutti::Communicator& comm) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  const std::size_t each = (requests + ranks - 1) / ranks;
  std::vector<Outcome> outcomes = schedule.outcomes();
  outcomes.resize(each);
  std::vector<char> texts(each * longest);
  for (std::size_t i = 0; i < schedule.texts().size(); ++i) {
    schedule.texts()[i].copy(&texts[i * longest], longest);
  }
  outcomes = example::gather(comm, outcomes);
  texts = example::gather(comm, texts);
  std::vector<Answer> answers(requests);
  for (std::size_t i = 0; i < requests; ++i) {
    const std::size_t place = i % ranks * each + i / ranks;
    answers[i] = {outcomes[place], {&texts[place * longest], outcomes[place].written}};
  }
  return answers;
}

}  // namespace

bool run_rank(const Options& options, const Model& model, const Workload& work,
              tutti::Communicator& comm) {
  const auto mine =
      share_of(work, static_cast<std::size_t>(comm.rank()), static_cast<std::size_t>(comm.size()));
  Schedule schedule(
      mine, model.config(),
      {.step_tokens = options.engine.step_tokens, .sequences = options.engine.sequences});
  Engine engine(model, options.engine, comm);
  Results results;
  const std::vector<EngineTimes> times = {engine.serve(schedule)};
  results.times = example::gather(comm, times);
  results.answers =
      gather_answers(schedule, work.requests.size(), model.config().context + 1, comm);
  results.virtual_time = engine.clock().is_virtual();
  return comm.rank() != 0 || print(options, work, results);
}

}  // namespace moe_engine
