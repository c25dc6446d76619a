#include "communicator/crew.hpp"

#include <system_error>

#include "base/error.hpp"
#include "communicator/stream.hpp"

namespace tutti {

Crew::Crew() = default;
Crew::~Crew() = default;

void Crew::hire(std::size_t jobs) {
  const std::lock_guard lock(mutex_);
  try {
    while (members_.size() + 1 < jobs) members_.push_back(std::make_unique<Stream>());
  } catch (const std::system_error& error) {
    fail(tuttiSystemError, "no thread for a group of {} jobs: {}", jobs, error.what());
  }
}

void Crew::run(std::span<const Job> jobs) {
  if (jobs.empty()) return;
  std::vector<Stream*> helpers;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i + 1 < jobs.size(); ++i) helpers.push_back(members_[i].get());
  }
  for (std::size_t i = 0; i < helpers.size(); ++i) {
    helpers[i]->push(make_task([&job = jobs[i]] { job(); }));
  }
  jobs.back()();
  for (Stream* helper : helpers) helper->synchronize();
}

}  // namespace tutti
