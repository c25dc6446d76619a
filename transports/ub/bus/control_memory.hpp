// The memory of one control window: every rank's segment, zeroed, in one reservation.
#pragma once

#include <optional>
#include <tutti/transport.hpp>

#include "base/mapping.hpp"
#include "memory/shared_file.hpp"

namespace tutti::ub {

// Pages come with their first touch. Where all ranks live in this process, nobody else maps
// anything; where they do not, it is a file that they can.
class ControlMemory {
 public:
  ControlMemory(int ranks, const ControlSegment& segment, bool shared)
      : segment_bytes_((segment.bytes + kPage - 1) / kPage * kPage + kColour),
        segment_(segment),
        memory_(make(segment_bytes_ * static_cast<std::size_t>(ranks), shared, file_)) {}

  std::size_t bytes() const noexcept { return segment_.bytes; }
  std::size_t line_bytes() const noexcept { return segment_.line_bytes; }
  std::byte* segment(Rank rank) const noexcept {
    return memory_.data() + static_cast<std::size_t>(rank) * segment_bytes_;
  }
  Line& line(Rank rank, LineId id) const noexcept {
    return reinterpret_cast<Line*>(segment(rank))[id];
  }
  Doorbell& own_bell(Rank rank) const noexcept {
    return *reinterpret_cast<Doorbell*>(segment(rank));
  }
  Doorbell& shared_bell() const noexcept {
    return *reinterpret_cast<Doorbell*>(segment(0) + sizeof(Doorbell));
  }
  // Of shared memory. Segments of ranks are `stride()` bytes apart in it.
  Descriptor& file() noexcept { return file_; }
  std::size_t stride() const noexcept { return segment_bytes_; }

  // Whose own doorbell that is.
  std::optional<Rank> owner_of(const Doorbell& bell) const noexcept {
    const auto offset =
        static_cast<std::size_t>(reinterpret_cast<const std::byte*>(&bell) - memory_.data());
    if (offset >= memory_.size() || offset % segment_bytes_ != 0) return std::nullopt;
    return static_cast<Rank>(offset / segment_bytes_);
  }

 private:
  static Mapping make(std::size_t bytes, bool shared, Descriptor& file) {
    constexpr const char* kWhat = "the control segments of simulated ranks";
    if (!shared) return Mapping::sparse(bytes, kPage, kWhat);
    file = create_shared("tutti-control", bytes);
    return Mapping::shared(file.get(), 0, bytes, {.reserve_only = true}, kWhat);
  }

  static constexpr std::size_t kPage = 4096;
  // Equal lines of all segments would share the few places that a cache has for one place of a
  // page.
  static constexpr std::size_t kColour = std::size_t{5} * 64;

  std::size_t segment_bytes_;
  ControlSegment segment_;
  Descriptor file_;
  Mapping memory_;
};

}  // namespace tutti::ub
