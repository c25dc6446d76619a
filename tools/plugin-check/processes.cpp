#include "processes.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <new>
#include <thread>
#include <utility>

namespace tutti::plugin_check {

void Processes::Page::meet(int count, int round) {
  arrived.fetch_add(1, std::memory_order_acq_rel);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (arrived.load(std::memory_order_acquire) < count * round) {
    expect(std::chrono::steady_clock::now() < end, "another process of this check does not come");
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

void Processes::Page::tell(int number, const Endpoint& endpoint) {
  Place& place = places[number];
  place.address_bytes = endpoint.address().size();
  std::memcpy(place.address, endpoint.address().data(), place.address_bytes);
}

std::span<const unsigned char> Processes::Page::address_of(int number) const {
  return {places[number].address, places[number].address_bytes};
}

Processes::Processes(int count, const Body& body) {
  void* const memory =
      ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  page_ = new (memory) Page();
  for (int number = 0; number < count; ++number) {
    const pid_t pid = ::fork();
    if (pid == 0) run(number, body);
    pids_.push_back(pid);
    expect(pid > 0, "this machine makes no more processes");
  }
}

void Processes::run(int number, const Body& body) {
  int result = 0;
  try {
    body(number, *page_);
  } catch (const std::exception& error) {
    std::snprintf(page_->places[number].complaint, sizeof(Page::Place::complaint), "%s",
                  error.what());
    result = 1;
  }
  // By exit(), as programs end: that closes what Tutti has open of the plugin.
  std::exit(result);
}

Processes::~Processes() {
  for (const pid_t pid : pids_) {
    if (pid <= 0) continue;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  ::munmap(page_, sizeof(Page));
}

void Processes::kill(int number) {
  pid_t& pid = pids_[static_cast<std::size_t>(number)];
  ::kill(pid, SIGKILL);
  ::waitpid(std::exchange(pid, 0), nullptr, 0);
}

void Processes::wait(int number) {
  pid_t& pid = pids_[static_cast<std::size_t>(number)];
  if (pid == 0) return;
  int status = 0;
  ::waitpid(std::exchange(pid, 0), &status, 0);
  const char* const complaint = page_->places[number].complaint;
  expect(!WIFSIGNALED(status), "process {} was ended by signal {} ({})", number, WTERMSIG(status),
         ::strsignal(WTERMSIG(status)));
  expect(WEXITSTATUS(status) == 0, "process {}: {}", number,
         *complaint != '\0' ? complaint : "it ended by itself, with an error");
}

void Processes::wait_for_all() {
  for (int number = 0; number < static_cast<int>(pids_.size()); ++number) wait(number);
}

}  // namespace tutti::plugin_check
