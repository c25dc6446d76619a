#include "safetensors.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace moe_engine {
namespace {

constexpr std::size_t kLengthBytes = 8;

// Of the header; at least 2 bytes and no more than are there.
std::size_t header_length(std::span<const std::byte> file) {
  if (file.size() < kLengthBytes) {
    throw FileError(file.size(), "header length",
                    "the file ends before the eight bytes of it are over");
  }
  std::uint64_t length = 0;  // little-endian
  for (std::size_t i = kLengthBytes; i-- > 0;) {
    length = length << 8 | std::to_integer<std::uint64_t>(file[i]);
  }
  if (length > file.size() - kLengthBytes) {
    throw FileError(kLengthBytes, "header length",
                    "says " + std::to_string(length) + ", but only " +
                        std::to_string(file.size() - kLengthBytes) + " bytes follow");
  }
  return length;
}

// Bytes of a tensor of such a type and shape, if that is no more than `most`.
bool fits(const Tensor& tensor, std::size_t most, std::size_t& bytes) {
  bytes =
      std::count(tensor.shape.begin(), tensor.shape.end(), 0u) > 0 ? 0 : element_bytes(tensor.type);
  for (const std::size_t extent : tensor.shape) {
    if (extent != 0 && bytes > most / extent) return false;
    bytes *= extent;
  }
  return bytes <= most;
}

}  // namespace

Safetensors::Safetensors(std::vector<std::byte> file) : file_(std::move(file)) {
  const std::size_t length = header_length(file_);
  data_ = kLengthBytes + length;
  header_ = parse_header({reinterpret_cast<const char*>(file_.data()) + kLengthBytes, length},
                         kLengthBytes);
  check_sizes();
  check_cover();
}

void Safetensors::check_sizes() const {
  const std::size_t available = file_.size() - data_;
  for (const auto& [name, tensor] : header_.tensors) {
    const std::string field = quoted(name) + ", data_offsets";
    if (tensor.begin > tensor.end) {
      throw FileError(tensor.byte, field,
                      "begin " + std::to_string(tensor.begin) + " lies behind end " +
                          std::to_string(tensor.end));
    }
    if (tensor.end > available) {
      throw FileError(tensor.byte, field,
                      "end " + std::to_string(tensor.end) + " lies behind the end of the file, " +
                          std::to_string(available) + " bytes after the header");
    }
    std::size_t bytes = 0;
    if (!fits(tensor, available, bytes) || bytes != tensor.end - tensor.begin) {
      throw FileError(tensor.byte, quoted(name) + ", shape",
                      "does not have the " + std::to_string(tensor.end - tensor.begin) +
                          " bytes of its data_offsets");
    }
  }
}

void Safetensors::check_cover() const {
  std::vector<std::pair<const std::string*, const Tensor*>> order;
  order.reserve(header_.tensors.size());
  for (const auto& [name, tensor] : header_.tensors) order.emplace_back(&name, &tensor);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second->begin, a.second->end) < std::pair(b.second->begin, b.second->end);
  });
  std::size_t covered = 0;
  for (const auto& [name, tensor] : order) {
    if (tensor->begin != covered) {
      throw FileError(tensor->byte, quoted(*name) + ", data_offsets",
                      "begin is " + std::to_string(tensor->begin) +
                          " where the tensor before ends at " + std::to_string(covered));
    }
    covered = tensor->end;
  }
  if (covered != file_.size() - data_) {
    throw FileError(data_ + covered, "data",
                    std::to_string(file_.size() - data_ - covered) + " bytes belong to no tensor");
  }
}

const Metadata& Safetensors::metadata(const std::string& key) const {
  const auto found = header_.metadata.find(key);
  if (found == header_.metadata.end()) {
    throw FileError(data_, "__metadata__, " + key, "is not in the header");
  }
  return found->second;
}

const Tensor& Safetensors::tensor(const std::string& name) const {
  const auto found = header_.tensors.find(name);
  if (found == header_.tensors.end()) {
    throw FileError(data_, quoted(name), "is not in the header");
  }
  return found->second;
}

Safetensors read_safetensors(const std::string& path) {
  std::vector<std::byte> bytes(std::filesystem::file_size(path));  // throws for a folder, too
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()))) {
    throw std::system_error(errno, std::generic_category(), "cannot read " + path);
  }
  try {
    return Safetensors(std::move(bytes));
  } catch (const FileError& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

}  // namespace moe_engine
