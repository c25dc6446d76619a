// Processes of one check, forked by it, that share a page.
#pragma once

#include <sys/types.h>
#include <tutti/tutti.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <vector>

#include "check.hpp"
#include "endpoint.hpp"

namespace tutti::plugin_check {

class Processes {
 public:
  static constexpr int kMost = 8;

  // What they share.
  struct Page {
    std::atomic<int> arrived;
    std::atomic<bool> has_id;
    tuttiUniqueId id;
    struct Place {
      std::size_t address_bytes;
      unsigned char address[TUTTI_PLUGIN_MOST_ADDRESS_BYTES];
      char complaint[500];
    } places[kMost];

    // Returns when `count` processes have called it, for the `round`-th time.
    void meet(int count, int round);
    void tell(int number, const Endpoint& endpoint);
    std::span<const unsigned char> address_of(int number) const;
  };

  // In each process, with its number; what it throws is its failure.
  using Body = std::function<void(int number, Page& page)>;
  Processes(int count, const Body& body);
  ~Processes();
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  Page& page() { return *page_; }
  void kill(int number);
  // Until it has ended; Failed with what it failed with, unless it was killed by kill().
  void wait(int number);
  void wait_for_all();

 private:
  [[noreturn]] void run(int number, const Body& body);

  Page* page_;
  std::vector<pid_t> pids_;  // 0: has been waited for
};

}  // namespace tutti::plugin_check
