// What ranks print, line by line, each line beginning with a prefix, its rank.
#pragma once

#include <poll.h>

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.hpp"

namespace tutti::launcher {

class PrefixedOutput {
 public:
  // Told of lines that are for the launcher; the text behind the mark.
  using Report = std::function<void(std::string_view)>;
  // What such a line begins with.
  static constexpr char kReportMark = '\x1e';

  // Lines read from `source` go to `target` (a descriptor that stays open), reports to `report` if
  // there is one.
  void add(std::string prefix, Descriptor source, int target, Report report = nullptr);

  // Appends an entry for every source that is still open.
  void append_to(std::vector<pollfd>& entries) const;
  // Reads what is there and prints the lines that are whole; `entries` are those of append_to.
  void read(std::span<const pollfd> entries);
  // Reads all that is there now, and prints the lines that are whole.
  void drain();
  // Prints everything left, also last lines without an end. When all writers are gone.
  void finish();

 private:
  struct Stream {
    std::string prefix;
    Descriptor source;
    int target;
    Report report;
    std::string pending;  // the beginning of a line
  };

  // Whether there may be more; prints the lines that are whole now.
  static bool read_chunk(Stream& stream);
  // Prints the first `bytes` of what is pending, and an end where the last line has none.
  static void print_lines(Stream& stream, std::size_t bytes);

  std::vector<Stream> streams_;
};

}  // namespace tutti::launcher
