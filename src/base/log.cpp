// One write(2) per line, so that lines of several threads and processes do not mix and no lock can
// be held when a process forks; spdlog carries the message to the sink.
#include "base/log.hpp"

#include <fcntl.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/sink.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "base/descriptor.hpp"
#include "base/log_environment.hpp"
#include "base/process.hpp"

namespace tutti {
namespace log_detail {
constinit std::atomic<std::uint64_t> wanted{~std::uint64_t{0}};
}

namespace {

class DescriptorSink final : public spdlog::sinks::sink {
 public:
  explicit DescriptorSink(Descriptor file) : file_(std::move(file)) {}

  void log(const spdlog::details::log_msg& message) override {
    const int fd = file_ ? file_.get() : STDERR_FILENO;
    const char* data = message.payload.data();
    std::size_t left = message.payload.size();
    while (left > 0) {
      const ssize_t written = ::write(fd, data, left);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;
      data += written;
      left -= static_cast<std::size_t>(written);
    }
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  Descriptor file_;  // empty: standard error
};

// What a process logs to. Made at the first line, again after a fork (the file's name may hold the
// process's id), never destroyed: destructors of static objects may log.
struct Output {
  Output* replaced;  // kept: a thread may still be writing to it
  int generation;
  std::string prefix;  // "host:pid:"
  spdlog::logger logger;

  Output(Descriptor file, Output* before)
      : replaced(before),
        generation(process_generation()),
        prefix(fmt::format("{}:{}:", host_name(), getpid())),
        logger("tutti", std::make_shared<DescriptorSink>(std::move(file))) {
    logger.set_level(spdlog::level::trace);
  }

  void line(LogLevel level, fmt::string_view text) {
    constexpr const char* kNames[] = {"WARN", "INFO", "TRACE"};
    constexpr spdlog::level::level_enum kSpdlog[] = {spdlog::level::warn, spdlog::level::info,
                                                     spdlog::level::trace};
    const auto index = static_cast<std::size_t>(level);
    const int rank = current_context().log_rank;
    const std::string whole = fmt::format("{}{} [{}] TUTTI {} {}\n", prefix, syscall(SYS_gettid),
                                          rank >= 0 ? std::to_string(rank) : "-", kNames[index],
                                          std::string_view(text.data(), text.size()));
    logger.log(kSpdlog[index], spdlog::string_view_t(whole.data(), whole.size()));
  }
};

constinit std::atomic<Output*> current_output{nullptr};

// Reads the environment and makes the output. Two threads may both do it at the first line; one
// wins.
Output* open_output(Output* before) {
  LogSettings settings =
      parse_log_settings(std::getenv("TUTTI_DEBUG"), std::getenv("TUTTI_DEBUG_SUBSYS"),
                         std::getenv("TUTTI_DEBUG_FILE"));
  Descriptor file;
  if (!settings.file.empty()) {
    file = Descriptor(open(settings.file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!file)
      settings.warnings.push_back(
          fmt::format("TUTTI_DEBUG_FILE=\"{}\" cannot be opened ({}), standard error is used",
                      settings.file, std::strerror(errno)));
  }
  auto made = std::make_unique<Output>(std::move(file), before);
  log_detail::wanted.store(settings.wanted, std::memory_order_relaxed);
  if (!current_output.compare_exchange_strong(before, made.get(), std::memory_order_acq_rel))
    return before;  // pairs with the winner's exchange
  Output* output = made.release();
  if (log_wanted(LogLevel::kWarn, Subsystem::kEnv))
    for (const std::string& warning : settings.warnings) output->line(LogLevel::kWarn, warning);
  return output;
}

Output& output() {
  Output* now =
      current_output.load(std::memory_order_acquire);  // pairs with open_output's exchange
  if (now == nullptr || now->generation != process_generation()) now = open_output(now);
  return *now;
}

}  // namespace

namespace log_detail {

// A line that cannot be written is lost: logging never fails a call.
void write(LogLevel level, Subsystem subsystem, fmt::string_view text,
           fmt::format_args arguments) noexcept {
  try {
    Output& out = output();
    if (log_wanted(level, subsystem)) out.line(level, fmt::vformat(text, arguments));
  } catch (...) {
  }
}

}  // namespace log_detail

void reread_log_environment() { open_output(current_output.load(std::memory_order_acquire)); }

}  // namespace tutti
