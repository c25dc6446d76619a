// Safetensors: eight bytes with the length of a header, the header, and the tensors' bytes, which
// it covers without holes or overlaps. Files are strangers': every number in them is checked
// against what is there before it is used.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "header.hpp"

namespace moe_engine {

class Safetensors {
 public:
  // Takes the bytes of a whole file. FileError where they are not one.
  explicit Safetensors(std::vector<std::byte> file);

  const std::map<std::string, Tensor>& tensors() const { return header_.tensors; }

  // FileError where it is not there.
  const Metadata& metadata(const std::string& key) const;
  const Tensor& tensor(const std::string& name) const;

  std::span<const std::byte> bytes_of(const Tensor& tensor) const {
    return std::span(file_).subspan(data_ + tensor.begin, tensor.end - tensor.begin);
  }
  // Where in the file the bytes of `tensor` begin.
  std::size_t place_of(const Tensor& tensor) const { return data_ + tensor.begin; }

 private:
  void check_sizes() const;
  void check_cover() const;

  std::vector<std::byte> file_;
  std::size_t data_ = 0;  // where the header ends
  Header header_;
};

// Reads a file; std::runtime_error, which names it, where that is impossible or it is wrong.
Safetensors read_safetensors(const std::string& path);

}  // namespace moe_engine
