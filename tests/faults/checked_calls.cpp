#include "tests/faults/checked_calls.hpp"

#include <unistd.h>

#include <cstdint>
#include <cstdio>

namespace tutti::test {

namespace {

struct Place {
  int rank = 0;
  int ranks = 0;
};
Place place_in(tuttiComm_t comm) {
  Place place;
  tuttiCommUserRank(comm, &place.rank);
  tuttiCommCount(comm, &place.ranks);
  return place;
}

[[noreturn]] void end_by_wrong_result(const char* call, int rank, std::size_t at, double is,
                                      double expected) {
  std::fprintf(stderr, "rank %d: element %zu of a complete %s is %g, not %g\n", rank, at, call, is,
               expected);
  ::_exit(kWrongResult);
}

void check(const char* call, int rank, std::size_t at, double is, double expected) {
  if (is != expected) end_by_wrong_result(call, rank, at, is, expected);
}

// What `from` has for `to`.
std::int32_t element(int from, int to, std::size_t at, int round) {
  return static_cast<std::int32_t>(at % 1000) + 1000 * from + 10'000 * to + 100'000 * round;
}

}  // namespace

tuttiResult_t checked_all_reduce(tuttiComm_t comm, std::size_t count, int round) {
  const Place place = place_in(comm);
  std::vector<std::int32_t> in(count);
  std::vector<std::int32_t> out(count, -1);
  for (std::size_t i = 0; i < count; ++i) in[i] = element(place.rank, 0, i, round);
  const tuttiResult_t result =
      tuttiAllReduce(in.data(), out.data(), count, tuttiInt32, tuttiSum, comm, nullptr);
  for (std::size_t i = 0; i < count && result == tuttiSuccess; ++i) {
    std::int32_t sum = 0;
    for (int rank = 0; rank < place.ranks; ++rank) sum += element(rank, 0, i, round);
    check("all-reduce", place.rank, i, out[i], sum);
  }
  return result;
}

tuttiResult_t checked_all_to_all(tuttiComm_t comm, std::size_t count, int round) {
  const Place place = place_in(comm);
  const auto ranks = static_cast<std::size_t>(place.ranks);
  std::vector<std::int32_t> in(ranks * count);
  std::vector<std::int32_t> out(ranks * count, -1);
  for (std::size_t i = 0; i < in.size(); ++i) {
    in[i] = element(place.rank, static_cast<int>(i / count), i % count, round);
  }
  const tuttiResult_t result =
      tuttiAlltoAll(in.data(), out.data(), count, tuttiInt32, comm, nullptr);
  for (std::size_t i = 0; i < out.size() && result == tuttiSuccess; ++i) {
    check("all-to-all", place.rank, i, out[i],
          element(static_cast<int>(i / count), place.rank, i % count, round));
  }
  return result;
}

tuttiResult_t checked_ring(tuttiComm_t comm, std::size_t count, int round) {
  const Place place = place_in(comm);
  const int next = (place.rank + 1) % place.ranks;
  const int last = (place.rank + place.ranks - 1) % place.ranks;
  std::vector<std::int32_t> in(count);
  std::vector<std::int32_t> out(count, -1);
  for (std::size_t i = 0; i < count; ++i) in[i] = element(place.rank, next, i, round);
  tuttiGroupStart();
  tuttiSend(in.data(), count, tuttiInt32, next, comm, nullptr);
  tuttiRecv(out.data(), count, tuttiInt32, last, comm, nullptr);
  const tuttiResult_t result = tuttiGroupEnd();
  for (std::size_t i = 0; i < count && result == tuttiSuccess; ++i) {
    check("send and receive", place.rank, i, out[i], element(last, place.rank, i, round));
  }
  return result;
}

CheckedMoe::CheckedMoe(tuttiComm_t comm, int tokens, std::size_t hidden)
    : comm_(comm), tokens_(tokens), hidden_(hidden) {
  const Place place = place_in(comm);
  rank_ = place.rank;
  experts_ = 2 * place.ranks;
  tuttiMoeConfig_t config = TUTTI_MOE_CONFIG_INITIALIZER;
  config.num_experts = experts_;
  config.max_tokens_per_rank = tokens;
  config.max_topk = kTopk;
  config.max_row_bytes = hidden * sizeof(float);
  result_ = tuttiMoeGroupCreate(comm, &config, &group_);
  if (result_ == tuttiSuccess) result_ = tuttiMoePlanCreate(group_, &plan_);
}

CheckedMoe::~CheckedMoe() {
  tuttiMoePlanDestroy(plan_);
  tuttiMoeGroupDestroy(group_);
}

const char* CheckedMoe::last_error() const {
  return group_ != nullptr ? tuttiMoeGetLastError(group_) : tuttiGetLastError(comm_);
}

int CheckedMoe::expert_of(int token, int lane, int round) const {
  const int first = (token * 3 + rank_ + round) % experts_;
  return lane == 0 ? first : (first + 1 + token % (experts_ - 1)) % experts_;
}

float CheckedMoe::input(int token, std::size_t at, int round) const {
  return static_cast<float>(rank_ * 500 + token * 7 + round + static_cast<int>(at % 100));
}

tuttiResult_t CheckedMoe::dispatch(std::vector<float>& arrived, std::vector<int64_t>& offsets,
                                   int round) {
  std::vector<int> topk;
  std::vector<float> rows;
  for (int token = 0; token < tokens_; ++token) {
    for (int lane = 0; lane < kTopk; ++lane) topk.push_back(expert_of(token, lane, round));
    for (std::size_t i = 0; i < hidden_; ++i) rows.push_back(input(token, i, round));
  }
  if (const auto code = tuttiMoePlanUpdate(plan_, topk.data(), tuttiInt32, kTopk, tokens_, kTopk)) {
    return code;
  }
  offsets.resize(3);
  tuttiMoeCounts_t counts = TUTTI_MOE_COUNTS_INITIALIZER;
  counts.layout = tuttiMoeLayoutExpert;
  counts.expert_offsets = offsets.data();
  if (const auto code = tuttiMoePlanCounts(plan_, &counts)) return code;
  tuttiMoeDispatchArgs_t args = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
  args.rows = rows.data();
  args.row_bytes = hidden_ * sizeof(float);
  args.layout = tuttiMoeLayoutExpert;
  arrived.resize(counts.num_rows * hidden_);
  tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
  output.rows = arrived.data();
  output.capacity_rows = counts.num_rows;
  // No rows are no memory either.
  if (counts.num_rows == 0) output.rows = &output;
  return tuttiMoeDispatch(plan_, &args, &output, nullptr);
}

tuttiResult_t CheckedMoe::step(int round) {
  std::vector<float> rows;
  std::vector<int64_t> offsets;
  if (const auto code = dispatch(rows, offsets, round)) return code;
  for (std::size_t row = 0; row < rows.size() / hidden_; ++row) {
    const int expert = 2 * rank_ + (static_cast<int64_t>(row) < offsets[1] ? 0 : 1);
    for (std::size_t i = 0; i < hidden_; ++i) {
      rows[row * hidden_ + i] *= static_cast<float>(expert + 1);
    }
  }
  tuttiMoeCombineArgs_t combine = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
  combine.rows = rows.data();
  combine.hidden = hidden_;
  combine.type = tuttiFloat32;
  std::vector<float> out(static_cast<std::size_t>(tokens_) * hidden_, -1);
  if (const auto code = tuttiMoeCombine(plan_, &combine, out.data(), nullptr)) return code;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int token = static_cast<int>(i / hidden_);
    const int experts = expert_of(token, 0, round) + expert_of(token, 1, round) + kTopk;
    check("dispatch and combine", rank_, i, out[i],
          input(token, i % hidden_, round) * static_cast<float>(experts));
  }
  return tuttiSuccess;
}

}  // namespace tutti::test
