// Safetensors files: every byte of every tensor of what is accepted can be read.
#include "examples/moe_engine/safetensors/safetensors.hpp"

#include <cstdint>
#include <cstring>
#include <string>

#include "demand.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  try {
    const moe_engine::Safetensors file(std::move(bytes));
    std::size_t covered = 0;
    unsigned sum = 0;
    for (const auto& [name, tensor] : file.tensors()) {
      TUTTI_DEMAND(file.place_of(tensor) <= size);
      for (const std::byte byte : file.bytes_of(tensor)) sum += std::to_integer<unsigned>(byte);
      covered += tensor.end - tensor.begin;
    }
    TUTTI_DEMAND(covered <= size && sum <= 255 * covered);
  } catch (const moe_engine::FileError& error) {
    TUTTI_DEMAND(std::string(error.what()).rfind("byte ", 0) == 0);
  }
  return 0;
}
