// Safetensors files for tests, in memory and on disk.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace moe_engine::test {

// A file of this header and `data_bytes` of data.
std::vector<std::byte> file_of(std::string_view header, std::size_t data_bytes);

std::vector<std::byte> bytes_of_file(const std::string& path);

// A file that is there as long as this.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::vector<std::byte>& bytes);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What `body` throws, or "" where it throws nothing.
template <typename F>
std::string complaint_of(F body) {
  try {
    body();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

}  // namespace moe_engine::test
