#include "transports/packets/arrival.hpp"

#include <utility>

namespace tutti::packets {

std::optional<Grant> Arrival::open(const Offer& offer, std::span<std::byte> place,
                                   std::shared_ptr<Link> link) {
  if (place.empty()) return std::nullopt;
  registration_ = regions_.lend_place(place);
  if (registration_ == nullptr) return std::nullopt;
  offer_ = offer;
  place_ = place;
  writes_left_ = offer.writes;
  grant_ = {.to = registration_->address_of(place.data()),
            .landing = landings_.add(std::move(link))};
  return grant_;
}

std::optional<Grant> Arrival::reopen(std::shared_ptr<Link> link) {
  close();
  const Offer offer = offer_;
  std::optional<Grant> grant = open(offer, place_, std::move(link));
  if (!grant) writes_left_ = 0;
  return grant;
}

bool Arrival::on_written(std::uint32_t landing) noexcept {
  if (!is_awaited() || landing != grant_.landing || --writes_left_ > 0) return false;
  landings_.remove(landing);
  registration_.reset();
  return true;
}

void Arrival::lose_place() noexcept {
  if (!is_awaited() || !has_place()) return;
  regions_.close(registration_);
  registration_.reset();
}

void Arrival::close() noexcept {
  lose_place();
  landings_.remove(grant_.landing);
}

void Arrival::end() noexcept {
  if (!is_awaited()) return;
  close();
  writes_left_ = 0;
}

}  // namespace tutti::packets
