// What ranks print, line by line, each line beginning with its rank.
#pragma once

#include <poll.h>

#include <span>
#include <string>
#include <tutti/transport.hpp>
#include <vector>

#include "base/descriptor.hpp"

namespace tutti::launcher {

class PrefixedOutput {
 public:
  // Lines read from `source` go to `target` (a descriptor that stays open).
  void add(Rank rank, Descriptor source, int target);

  // Appends an entry for every source that is still open.
  void append_to(std::vector<pollfd>& entries) const;
  // Reads what is there and prints the lines that are whole; `entries` are those of append_to.
  void read(std::span<const pollfd> entries);
  // Prints everything left, also last lines without an end. When all writers are gone.
  void finish();

 private:
  struct Stream {
    Rank rank;
    Descriptor source;
    int target;
    std::string pending;  // the beginning of a line
  };

  // Whether there may be more; prints the lines that are whole now.
  static bool read_chunk(Stream& stream);
  // Prints the first `bytes` of what is pending, and an end where the last line has none.
  static void print_lines(Stream& stream, std::size_t bytes);

  std::vector<Stream> streams_;
};

}  // namespace tutti::launcher
