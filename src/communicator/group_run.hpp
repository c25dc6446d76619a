// The end of a group: sorts its operations by communicator and stream, and runs them; see
// group.hpp.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "communicator/crew.hpp"
#include "communicator/group.hpp"
#include "communicator/group_lane.hpp"

namespace tutti {

class GroupRun {
 public:
  // `entries` outlives it and keeps the communicators.
  explicit GroupRun(std::vector<Group::Entry>& entries) : entries_(entries) {}

  // Returns when what has no stream is done; throws the first error of that, in the order of calls.
  void run();

 private:
  using Lane = std::shared_ptr<GroupLane>;

  // One communicator's share.
  struct Part {
    explicit Part(Communicator& its) : communicator(its), call(its) {}
    Communicator& communicator;
    Communicator::Call call;
    std::vector<std::size_t> collectives;  // indices of entries
    std::map<Stream*, Lane> lanes;
    bool has_messages = false;              // without a stream
    std::unique_ptr<MessageWork> messages;  // these, when they are numbered
    std::size_t first_message = 0;          // index of an entry
    bool failed = false;                    // before anything was sent
  };

  // In this order. What may fail for want of resources comes before anything is sent.
  void sort_out();
  void hire();
  void number_messages();
  void queue_lanes();

  // What runs side by side.
  void drive(Part& part);
  void send_messages(Part& part);

  Part& part_of(Communicator& communicator);
  std::map<Stream*, std::vector<Lane>> lanes_by_stream() const;
  static void close_lanes(Part& part);
  void keep(std::size_t index, const Error& error);

  std::vector<Group::Entry>& entries_;
  std::deque<Part> parts_;  // stay where they are
  std::mutex mutex_;
  std::size_t error_index_ = 0;  // of the entry; under mutex_, as the error
  std::optional<Error> error_;
};

}  // namespace tutti
