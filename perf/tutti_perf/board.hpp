// Memory that all local ranks and the process that started them share: where ranks find the unique
// id, and where results and failures stay readable when the rank that wrote them is gone.
#pragma once

#include <tutti/tutti.h>

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <tutti/error.hpp>

#include "perf/common/report.hpp"

namespace tutti::perf {

class Board {
 public:
  explicit Board(int ranks);
  ~Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  // Rank 0 pins the id up, the others wait for it. Throws Error when rank 0 failed or is late.
  void publish_id(const tuttiUniqueId& id);
  tuttiUniqueId wait_for_id() const;

  // Rank 0, a finished row as JSON. Throws Error when the board is full.
  void add_row(const std::string& json);
  // All finished rows, separated by commas.
  std::string rows() const;

  // The first failure of a rank stays.
  void fail(int rank, int code, const std::string& message, const std::vector<int>& culprits);
  std::optional<RunError> failure_of(int rank) const;
  // The failure that explains the others: a rank that died, else what the lowest rank reports.
  std::optional<RunError> failure() const;

  void add_wrong(std::size_t elements);
  bool anything_wrong() const;

  // Rank 0 has joined: milliseconds since construction.
  void note_startup();
  double startup_ms() const;

  // Of the machine; 0: not known.
  static std::size_t available_memory();
  // Bytes by which the machine's available memory has shrunk since construction, at most so far.
  void note_memory();
  std::size_t peak_bytes() const;

 private:
  struct Head;
  struct Slot;
  Head& head() const;
  Slot& slot(int rank) const;
  char* row_text() const;

  int ranks_;
  std::size_t slots_bytes_;
  std::byte* memory_;
  std::size_t available_at_start_;
  double start_us_;
};

}  // namespace tutti::perf
