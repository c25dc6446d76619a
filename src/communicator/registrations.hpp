// Memory that the user declared for repeated use on a communicator: windows (collective) and local
// registrations. Memory of the shareable heap cannot be freed while it is registered.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "channel/channel.hpp"
#include "collectives/point_to_point.hpp"
#include "collectives/request.hpp"
#include "communicator/setup_exchange.hpp"
#include "memory/heap.hpp"

namespace tutti {

class Registrations {
 public:
  enum class Kind : std::uint8_t { kWindow, kLocal };

  // Registers [buffer, buffer + bytes): pins it if it is in the heap, and announces it to the
  // channel's transport if not. The handle is good until remove(). tuttiInvalidArgument for heap
  // memory that is not of one allocation. `channel` outlives this.
  void* add(Kind kind, void* buffer, std::size_t bytes, Channel& channel);
  // tuttiInvalidArgument unless add() returned `handle` for this kind.
  void remove(Kind kind, const void* handle);

 private:
  // Withdrawn at the end of its life. The transport outlives it.
  class Announced {
   public:
    Announced(Transport& transport, std::span<std::byte> memory);
    ~Announced() { transport_.withdraw_memory(memory_); }
    Announced(const Announced&) = delete;
    Announced& operator=(const Announced&) = delete;

   private:
    Transport& transport_;
    const std::span<std::byte> memory_;
  };
  struct Registration {
    Kind kind = Kind::kLocal;
    HeapPin pin;
    std::optional<Announced> announced;
  };
  std::vector<std::unique_ptr<Registration>> registrations_;
};

// Collective: every rank brings a range of its heap. Compares the sizes where `symmetric`, and maps
// every peer's range. tuttiInvalidArgument on the rank whose memory is not one allocation of the
// heap, tuttiRemoteError naming it on the others. Returns the handle.
struct WindowRequest {
  void* buffer = nullptr;
  std::size_t bytes = 0;
  bool symmetric = false;
};
void* register_window(Channel& channel, SetupState& setup, Registrations& registrations,
                      const WindowRequest& request);

// Keeps the buffers of an operation that runs later from being freed. What is not in the heap is
// the caller's affair.
class BufferPins {
 public:
  BufferPins() = default;
  BufferPins(const Request& request, Rank rank, int ranks, const std::string& communicator);
  BufferPins(const Message& message, const std::string& communicator);

 private:
  HeapPin send_;
  HeapPin recv_;
};

}  // namespace tutti
