// What ranks are busy with when one of them fails.
#pragma once

#include <tutti/moe.h>

#include <array>
#include <functional>
#include <memory>
#include <string>

namespace tutti::faults {

// One operation over and over; sentence() explains its last failure.
class Calls {
 public:
  virtual ~Calls() = default;
  virtual tuttiResult_t once() = 0;
  virtual std::string sentence() const = 0;
};

struct Work {
  const char* name;
  std::unique_ptr<Calls> (*make)(tuttiComm_t comm);
};

extern const std::array<Work, 3> kWork;

}  // namespace tutti::faults
