// The rank's time: virtual on a fabric that is not there, where computing takes what a device would
// take; else the machine's.
#pragma once

#include <cstdint>
#include <tutti/tutti.hpp>

namespace moe_engine {

// A device that multiplies at its peak or reads weights at its memory's bandwidth, whichever takes
// longer. As given: one die of an Ascend 910C, half of a package's 752e12 operations of BF16 a
// second and 3.2 TB/s.
struct Device {
  double tera_operations = 376;  // a second
  double memory_gbs = 1600;      // 1e9 bytes a second
};

class Clock {
 public:
  // To be made on the rank's own thread or fibre; `comm` must outlive it.
  Clock(const tutti::Communicator& comm, const Device& device);

  bool is_virtual() const { return virtual_; }

  // Milliseconds; also on the rank's streams.
  double now() const;

  // The rank has done `operations` (a multiplication and an addition are two) on weights of
  // `bytes`. Where time is virtual, it passes.
  void computed(double operations, double bytes) const;

 private:
  tuttiComm_t comm_;
  Device device_;
  bool virtual_;
};

}  // namespace moe_engine
