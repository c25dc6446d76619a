#include "transports/ub/trace/output_file.hpp"

#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace tutti::ub {

OutputFile::OutputFile(std::string path)
    : path_(std::move(path)), file_(std::fopen(path_.c_str(), "we")) {
  if (file_ == nullptr) fail_now("cannot be made");
}

void OutputFile::fail_now(const char* what) const {
  fail(tuttiSystemError, "{} {}: {}", path_, what, std::strerror(errno));
}

void OutputFile::write() {
  if (std::fwrite(buffer_.data(), 1, buffer_.size(), file_.get()) != buffer_.size()) {
    fail_now("cannot be written");
  }
  buffer_.clear();
}

void OutputFile::close() {
  write();
  if (std::fclose(file_.release()) != 0) fail_now("cannot be written");
}

}  // namespace tutti::ub
