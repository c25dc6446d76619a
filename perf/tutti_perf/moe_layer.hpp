// A MoE group and its plan, as long as the measurement needs them.
#pragma once

#include <tutti/moe.h>

#include <cstddef>
#include <string>
#include <vector>

#include "perf/tutti_perf/moe_data.hpp"

namespace tutti::perf {

class MoeLayer {
 public:
  // Collective.
  MoeLayer(tuttiComm_t comm, const MoeCase& c);
  ~MoeLayer();
  MoeLayer(const MoeLayer&) = delete;
  MoeLayer& operator=(const MoeLayer&) = delete;

  tuttiMoePlan_t plan() const { return plan_; }

  // How the last dispatch or combine went.
  std::string algorithm() const;

  // Throws Error with the group's sentence.
  void check(tuttiResult_t result) const;

  // Memory that peers read in place and that lives as long as the layer, or plain memory in
  // `owner`.
  std::byte* allocate(std::size_t bytes, bool symmetric, std::vector<std::byte>& owner) const;

 private:
  tuttiMoeGroup_t group_ = nullptr;
  tuttiMoePlan_t plan_ = nullptr;
};

}  // namespace tutti::perf
