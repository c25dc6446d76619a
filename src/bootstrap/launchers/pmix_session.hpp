// The conversation with a PMIx server, that of mpirun or srun.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "bootstrap/launchers/pmix_library.hpp"

namespace tutti::pmix {

// From PMIx_Init to PMIx_Finalize, which PMIx counts: others in this process, MPI perhaps, may use
// it too. In a forked child it does nothing. What takes longer than the deadline is tuttiTimeout
// naming what it was; tuttiRemoteError quotes what PMIx says.
class Session {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::uint32_t rank() const noexcept { return self_.rank; }
  // The number of processes of this job.
  std::uint32_t size(Deadline deadline) const;

  void put(const char* key, std::string value) const;
  // Every process comes here; brings what each of them put.
  void fence(Deadline deadline) const;
  // What process `rank` put before the fence.
  std::string get(std::uint32_t rank, const char* key, Deadline deadline) const;

 private:
  void check_process() const;
  Process process(std::uint32_t rank) const;
  void check(Status status, const char* what) const;

  const Library& library_;
  const int generation_;
  Process self_;
};

}  // namespace tutti::pmix
