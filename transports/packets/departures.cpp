#include "transports/packets/departures.hpp"

#include <algorithm>
#include <cerrno>

namespace tutti::packets {

Departure* Departures::find(std::uint64_t offer) noexcept {
  const auto found = std::find_if(all_.begin(), all_.end(),
                                  [offer](const Departure& each) { return each.offer == offer; });
  return found != all_.end() ? &*found : nullptr;
}

void Departures::remove(const Departure& departure) noexcept {
  all_.remove_if([&departure](const Departure& each) { return &each == &departure; });
}

void Departures::write_to(Departure& departure, const Grant& grant) {
  departure.state = Departure::State::kWriting;
  departure.grant = grant;
  departure.begun = 0;
  departure.error = 0;
  departure.jobs.clear();
}

bool Departures::push(PeerAddress peer, const std::shared_ptr<Link>& link) {
  return std::all_of(all_.begin(), all_.end(), [&](Departure& each) {
    return each.state != Departure::State::kWriting || push(each, peer, link);
  });
}

bool Departures::push(Departure& departure, PeerAddress peer, const std::shared_ptr<Link>& link) {
  Writer& writer = *fabric_.writer();
  while (departure.begun < departure.bytes.size() && departure.error == 0) {
    const std::size_t bytes =
        std::min(departure.bytes.size() - departure.begun, writer.most_bytes());
    const RemoteAddress to{departure.grant.to.address + departure.begun, departure.grant.to.key};
    WriteJob& job = departure.jobs.emplace_back(departure);
    job.link = link;
    const Taken taken = writer.write(peer, departure.bytes.subspan(departure.begun, bytes),
                                     departure.source->region(), to, departure.grant.landing, job);
    if (taken != Taken::kYes) {
      departure.jobs.pop_back();
      if (taken == Taken::kNever) departure.error = EIO;
      return taken == Taken::kNever;
    }
    departure.begun += bytes;
    ++departure.under_way;
  }
  return true;
}

Departure* Departures::next_to_ask() noexcept {
  const auto found = std::find_if(all_.begin(), all_.end(), [](const Departure& each) {
    return each.state == Departure::State::kWriting && each.error != 0 && each.under_way == 0;
  });
  if (found == all_.end()) return nullptr;
  found->state = Departure::State::kAsked;
  if (found->failures++ == 0) found->failing_since = steady_now();
  return &*found;
}

Departures::Ended Departures::on_end(Departure& departure, int error) noexcept {
  --departure.under_way;
  if (error != 0) departure.error = error;
  if (departure.under_way > 0) return Ended::kMore;
  const bool all = departure.begun == departure.bytes.size() && departure.error == 0;
  return all ? Ended::kAll : Ended::kMore;
}

void Departures::stop() noexcept {
  all_.remove_if([](const Departure& each) { return each.under_way == 0; });
  for (Departure& each : all_) each.begun = each.bytes.size();
}

}  // namespace tutti::packets
