// A network that registers memory and does nothing else: tests see what is registered.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>

#include "base/error.hpp"
#include "transports/packets/fabric.hpp"

namespace tutti::packets {

class RegionFabric final : public Fabric, private Writer {
 public:
  explicit RegionFabric(bool registers_local) { can_.registers_local = registers_local; }

  std::size_t open_places() const { return places_.size(); }
  bool is_open(std::uint64_t key) const { return places_.contains(key); }
  std::size_t sources() const { return sources_; }
  std::size_t most_places = 1000;

  const Capabilities& capabilities() const noexcept override { return can_; }
  std::span<const std::byte> address() const noexcept override { return {}; }
  PeerAddress add_peer(std::span<const std::byte>) override { return 0; }
  std::unique_ptr<Region> register_memory(std::span<std::byte>) override {
    return std::make_unique<SourceRegion>(sources_);
  }
  Taken send(PeerAddress, std::span<const std::byte>, const Region*, Operation&) override {
    return Taken::kNever;
  }
  Taken receive(std::span<std::byte>, const Region*, Operation&) override { return Taken::kNever; }
  Writer* writer() noexcept override { return this; }
  std::size_t read(std::span<Completion>) override { return 0; }
  int wait_descriptor() const noexcept override { return -1; }
  bool may_wait() noexcept override { return true; }
  void shut() noexcept override {}
  std::string describe(int) const override { return {}; }

 private:
  using Places = std::map<std::uint64_t, std::span<std::byte>>;
  class PlaceRegion final : public Region {
   public:
    PlaceRegion(Places& places, std::uint64_t key, std::span<std::byte> memory)
        : places_(places), key_(key) {
      places_[key] = memory;
    }
    ~PlaceRegion() override { places_.erase(key_); }
    RemoteAddress address() const {
      return {reinterpret_cast<std::uintptr_t>(places_.at(key_).data()), key_};
    }

   private:
    Places& places_;
    const std::uint64_t key_;
  };
  class SourceRegion final : public Region {
   public:
    explicit SourceRegion(std::size_t& count) : count_(++count) {}
    ~SourceRegion() override { --count_; }

   private:
    std::size_t& count_;
  };

  std::size_t most_bytes() const noexcept override { return 1 << 30; }
  std::size_t worth_bytes() const noexcept override { return 1; }
  std::unique_ptr<Region> open_to_peers(std::span<std::byte> memory) override {
    if (places_.size() >= most_places) fail(tuttiSystemError, "no more places");
    return std::make_unique<PlaceRegion>(places_, ++last_key_, memory);
  }
  RemoteAddress address_of(const Region& region) const noexcept override {
    return static_cast<const PlaceRegion&>(region).address();
  }
  Taken write(PeerAddress, std::span<const std::byte>, const Region*, const RemoteAddress&,
              std::uint32_t, Operation&) override {
    return Taken::kNever;
  }

  Capabilities can_;
  Places places_;
  std::uint64_t last_key_ = 0;
  std::size_t sources_ = 0;
};

}  // namespace tutti::packets
