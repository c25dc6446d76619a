// The conversation with an MPICH-like launcher, PMI-1, over the descriptor that PMI_FD names.
#pragma once

#include <tutti/tutti.h>

#include <chrono>
#include <string>
#include <string_view>

#include "bootstrap/launchers/pmi_message.hpp"

namespace tutti {

// Not for two threads at once. Errors are tuttiRemoteError where the launcher is gone or says
// something unexpected, and tuttiTimeout naming what was asked; after one the session is over.
class PmiSession {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // Does not own the descriptor, which is the launcher's to close.
  PmiSession(int descriptor, Deadline deadline);
  // Says goodbye: a launcher takes a process that ends without for one that failed.
  ~PmiSession();
  PmiSession(const PmiSession&) = delete;
  PmiSession& operator=(const PmiSession&) = delete;

  // Of any length: it travels in as many values as the launcher's limit takes. No white space.
  void put(const std::string& key, std::string_view value, Deadline deadline);
  // Every rank comes here; what was put before can be got after.
  void barrier(Deadline deadline);
  std::string get(const std::string& key, std::size_t bytes, Deadline deadline);

 private:
  // Sends a request and reads its answer, a command of that name.
  PmiMessage ask(std::string_view request, std::string_view answer, Deadline deadline);
  void send(std::string_view line);
  PmiMessage receive(std::string_view request, Deadline deadline);
  [[noreturn]] void give_up(tuttiResult_t code, std::string text);

  const int descriptor_;
  const int generation_;
  PmiLine input_;
  bool answered_ = false;  // input_ begins with an answer that has been looked at
  bool over_ = false;
  std::string space_;  // the name of the launcher's key-value space
  std::size_t value_bytes_ = 0;
};

}  // namespace tutti
