// The header of a safetensors file: a JSON object that says what lies where in the bytes behind it.
#pragma once

#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace moe_engine {

// What is wrong with a file: "byte 81, tensor 'x', shape: ...". The byte is the one at which
// reading stopped, right behind the culprit.
class FileError : public std::runtime_error {
 public:
  FileError(std::size_t byte, const std::string& field, const std::string& complaint)
      : std::runtime_error("byte " + std::to_string(byte) + ", " + field + ": " + complaint) {}
};

struct Tensor {
  std::string type;  // "BF16", "F32", ...
  std::vector<std::size_t> shape;
  std::size_t begin = 0, end = 0;  // among the bytes behind the header
  std::size_t byte = 0;            // of the file, where its entry ends; for errors
};

struct Metadata {
  std::string text;
  std::size_t byte = 0;  // of the file, where the text ends
};

struct Header {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, Metadata> metadata;
};

// Bytes of one element of `type`; 0 where there is no such type.
std::size_t element_bytes(std::string_view type);

// Reads `json`, which begins at byte `offset` of the file. What it returns has every field of every
// tensor, of known types; sizes are as the file claims, unchecked. FileError otherwise.
Header parse_header(std::string_view json, std::size_t offset);

// "tensor 'name'", of a name that may be long.
std::string quoted(const std::string& name);

}  // namespace moe_engine
