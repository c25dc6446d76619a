// One rank's way through a step on one plan: every call, with everything it returns compared with
// the oracle. Failures are GoogleTest failures; the calls go on, so that peers are not left
// waiting.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "case.hpp"
#include "group_scope.hpp"
#include "step.hpp"
#include "tests/support/thread_world.hpp"

namespace tutti::test {

tuttiMoeConfig_t config_of(const Case& c, const Owners& owners);

// `bytes` of the asked kind, aligned to 64; library memory is given back, buffers end with the
// group.
class Block {
 public:
  Block() = default;
  Block(tuttiMoeGroup_t group, Memory kind, std::size_t bytes);
  ~Block();
  Block(Block&& other) noexcept { swap(other); }
  Block& operator=(Block&& other) noexcept {
    swap(other);
    return *this;
  }
  std::byte* data() const { return data_; }

 private:
  void swap(Block& other) {
    std::swap(data_, other.data_);
    std::swap(heap_, other.heap_);
    std::swap(plain_, other.plain_);
  }
  std::byte* data_ = nullptr;
  void* heap_ = nullptr;
  std::vector<std::byte> plain_;
};

class PlanRun {
 public:
  // `steps`: all that will run, for the sizes of buffers.
  PlanRun(GroupScope& group, int rank, const Case& c, std::span<const Step> steps);

  void update(const Step& step);
  void counts(const Step& step);
  void dispatch(const Step& step, tuttiStream_t stream = nullptr);
  void combine(const Step& step, tuttiStream_t stream = nullptr);
  // Comparisons of what the calls before delivered; after the stream is synchronized.
  void check_dispatched(const Step& step);
  void check_combined(const Step& step);

  void whole(const Step& step, bool ask_counts = true);

  tuttiMoePlan_t plan() const { return plan_; }
  const std::vector<std::byte>& combined() const { return out_; }

 private:
  std::size_t stride(std::size_t bytes) const { return c_.padded_stride ? bytes + 16 : bytes; }
  void check_rows(const Step& step, const Incoming& in);

  GroupScope& group_;
  int rank_;
  Case c_;
  tuttiMoePlan_t plan_;
  Block input_, results_;
  std::vector<std::byte> side_, own_rows_, own_side_, out_;
  std::vector<std::int32_t> own_ids_;
  std::vector<float> own_weights_;
  std::vector<std::vector<std::byte>> biases_;
  std::vector<const void*> bias_pointers_;
  tuttiMoeOutput_t output_ = TUTTI_MOE_OUTPUT_INITIALIZER;
};

}  // namespace tutti::test
