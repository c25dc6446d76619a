#include "communicator/group_run.hpp"

#include <utility>

#include "communicator/stream.hpp"

namespace tutti {

namespace {

using Lanes = std::vector<std::shared_ptr<GroupLane>>;

std::size_t count_jobs(const Lanes& lanes) {
  std::size_t jobs = 0;
  for (const auto& lane : lanes) jobs += (lane->has_collectives ? 1u : 0u) + lane->has_messages;
  return jobs;
}

// What a stream does when it comes to its part of the group.
void run_lanes(Crew& crew, const Lanes& lanes) {
  std::vector<Crew::Job> jobs;
  for (const auto& lane : lanes) {
    if (lane->has_messages) jobs.emplace_back([&lane] { lane->run_messages(); });
    if (lane->has_collectives) jobs.emplace_back([&lane] { lane->run_collectives(); });
  }
  crew.run(jobs);
  for (const auto& lane : lanes) {
    if (const auto error = lane->error()) throw Error(*error);
  }
}

}  // namespace

void GroupRun::run() {
  sort_out();
  hire();
  number_messages();
  try {
    queue_lanes();
  } catch (...) {
    for (Part& part : parts_) close_lanes(part);  // streams that have some already wait for that
    throw;
  }
  std::vector<Crew::Job> jobs;
  for (Part& part : parts_) {
    if (part.messages != nullptr) jobs.emplace_back([this, &part] { send_messages(part); });
    if (!part.collectives.empty()) jobs.emplace_back([this, &part] { drive(part); });
  }
  parts_.front().communicator.crew().run(jobs);
  if (error_) throw Error(*error_);
}

GroupRun::Part& GroupRun::part_of(Communicator& communicator) {
  for (Part& part : parts_) {
    if (&part.communicator == &communicator) return part;
  }
  return parts_.emplace_back(communicator);
}

void GroupRun::sort_out() {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Group::Entry& entry = entries_[i];
    Part& part = part_of(*entry.communicator);
    const bool is_message = entry.message != nullptr;
    if (!is_message) part.collectives.push_back(i);
    if (entry.stream == nullptr) {
      if (is_message && !part.has_messages) part.first_message = i;
      part.has_messages = part.has_messages || is_message;
      continue;
    }
    entry.stream->check_process();
    part.communicator.channel().become_concurrent();
    Lane& lane = part.lanes[entry.stream];
    if (lane == nullptr) lane = std::make_shared<GroupLane>();
    (is_message ? lane->has_messages : lane->has_collectives) = true;
  }
}

std::map<Stream*, std::vector<GroupRun::Lane>> GroupRun::lanes_by_stream() const {
  std::map<Stream*, std::vector<Lane>> streams;
  for (const Part& part : parts_) {
    for (const auto& [stream, lane] : part.lanes) streams[stream].push_back(lane);
  }
  return streams;
}

void GroupRun::hire() {
  std::size_t jobs = 0;
  for (const Part& part : parts_) jobs += (part.has_messages ? 1u : 0u) + !part.collectives.empty();
  // The Call keeps others from this crew.
  parts_.front().communicator.crew().hire(jobs);
  for (const auto& [stream, lanes] : lanes_by_stream()) stream->crew().hire(count_jobs(lanes));
}

// In the order of the calls, whatever their streams: so the peer counts them.
void GroupRun::number_messages() {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    Group::Entry& entry = entries_[i];
    if (entry.message == nullptr) continue;
    Part& part = part_of(*entry.communicator);
    if (part.failed) continue;
    try {
      entry.message->issue();
    } catch (const Error& error) {
      part.failed = true;
      part.communicator.record_elsewhere(error);
      keep(i, error);
      continue;
    }
    auto& together = entry.stream == nullptr ? part.messages : part.lanes[entry.stream]->messages;
    if (together == nullptr) {
      together = std::move(entry.message);
    } else {
      together->join(*entry.message);
    }
  }
}

void GroupRun::queue_lanes() {
  for (auto& [stream, lanes] : lanes_by_stream()) {
    stream->push(
        make_task([&crew = stream->crew(), lanes = std::move(lanes)] { run_lanes(crew, lanes); }));
  }
}

void GroupRun::drive(Part& part) {
  for (const std::size_t i : part.collectives) {
    Group::Entry& entry = entries_[i];
    if (part.failed) break;
    try {
      entry.collective->issue();
    } catch (const Error& error) {
      part.communicator.record_elsewhere(error);
      keep(i, error);
      continue;
    }
    try {
      if (entry.stream == nullptr) {
        entry.collective->run();
      } else {
        part.lanes[entry.stream]->hand_in(std::move(entry.collective));
      }
    } catch (const Error& error) {
      keep(i, error);
    }
  }
  close_lanes(part);
}

void GroupRun::send_messages(Part& part) {
  try {
    part.messages->run();
  } catch (const Error& error) {
    keep(part.first_message, error);
  }
}

void GroupRun::close_lanes(Part& part) {
  for (const auto& [stream, lane] : part.lanes) lane->close();
}

void GroupRun::keep(std::size_t index, const Error& error) {
  const std::lock_guard lock(mutex_);
  if (error_ && error_index_ <= index) return;
  error_index_ = index;
  error_ = error;
}

}  // namespace tutti
