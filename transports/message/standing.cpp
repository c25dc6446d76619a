#include "transports/message/standing.hpp"

#include <algorithm>
#include <cstring>

namespace tutti::message {

namespace {

constexpr std::size_t kMostText = 1536;
constexpr std::size_t kMostCulprits = 64;
constexpr std::size_t kWord = sizeof(std::uint64_t);

void append(std::vector<std::byte>& to, std::uint64_t word) {
  to.resize(to.size() + kWord);
  encode(word, std::span<std::byte, kWord>(to.data() + to.size() - kWord, kWord));
}

}  // namespace

Standing::Standing(Port& port, Teller& teller)
    : port_(port), teller_(teller), states_(static_cast<std::size_t>(port.ranks())) {}

Rank Standing::leader() const noexcept {
  for (Rank rank = 0; rank < port_.ranks(); ++rank) {
    if (rank == port_.rank() || state(rank) == PeerState::kAlive) return rank;
  }
  return port_.rank();
}

void Standing::on_news(Rank of, PeerState state, std::span<const std::byte> content) {
  std::vector<bool> told;
  const auto ranks = static_cast<std::size_t>(port_.ranks());
  for (const std::byte byte : content) {
    for (unsigned bit = 0; bit < 8; ++bit)
      told.push_back((byte >> bit & std::byte{1}) != std::byte{});
  }
  if (!told.empty()) told.resize(ranks);
  mark(of, state, told);
}

void Standing::mark(Rank peer, PeerState state, const std::vector<bool>& told) {
  const std::lock_guard lock(mutex_);
  const Rank led_by = leader();
  auto& known = states_[static_cast<std::size_t>(peer)];
  if (known.load(std::memory_order_relaxed) != 0 || state == PeerState::kAlive) return;
  known.store(static_cast<std::uint32_t>(state), std::memory_order_release);
  // Who goes says whom it has told; who has left passes that on too, since others that have may
  // wait for the last one to go (is_alone()).
  if (!told.empty()) pass_on(peer, state, told);
  if (has_left()) return;
  port_.alarm();
  const Rank self = port_.rank();
  if (told.empty() && leader() == self) pass_on(peer, state, told);
  if (peer != led_by) return;
  // What the last leader has decided is decided; what it may not have heard is proposed again.
  const std::optional<Error>& open = failure_ ? failure_ : proposal_;
  if (!open) {
    // A connection, so that the next one's death is noticed too.
    if (state == PeerState::kDead && leader() != self) {
      tell_news(leader(), peer, state, {}, Teller::Reach::kAnyhow);
    }
    return;
  }
  if (leader() == self) {
    const Error error = *open;
    failure_.reset();
    decide(error);
  } else {
    tell(leader(), FrameKind::kProposal, *open);
  }
}

void Standing::pass_on(Rank of, PeerState state, const std::vector<bool>& told) {
  for (Rank rank = 0; rank < port_.ranks(); ++rank) {
    const bool knows = told.empty() ? this->state(rank) != PeerState::kAlive
                                    : told[static_cast<std::size_t>(rank)];
    if (rank == port_.rank() || knows || this->state(rank) == PeerState::kDead) continue;
    tell_news(rank, of, state);
  }
}

void Standing::propose(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (failure_ || proposal_) return;
  proposal_ = error;
  if (leader() == port_.rank()) {
    decide(error);
  } else {
    tell(leader(), FrameKind::kProposal, error);
  }
}

void Standing::on_proposal(Rank from, const Error& error) {
  const std::lock_guard lock(mutex_);
  if (failure_) {
    tell(from, FrameKind::kFailure, *failure_);
  } else {
    decide(error);
  }
}

void Standing::on_failure(const Error& error) {
  const std::lock_guard lock(mutex_);
  record(error);
}

void Standing::decide(const Error& error) {
  record(error);
  for (Rank rank = 0; rank < port_.ranks(); ++rank) {
    if (rank != port_.rank() && state(rank) == PeerState::kAlive) {
      tell(rank, FrameKind::kFailure, *failure_);
    }
  }
}

void Standing::record(const Error& error) {
  proposal_.reset();
  if (failure_) return;
  failure_ = unpack(pack(error));  // cut as everybody else has it
  failed_.store(true, std::memory_order_release);
  port_.alarm();
}

bool Standing::proposes() const {
  const std::lock_guard lock(mutex_);
  return proposal_.has_value() && !failure_;
}

std::optional<Error> Standing::failure() const {
  if (!failed()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return failure_;
}

void Standing::say_goodbye() {
  const std::lock_guard lock(mutex_);
  const Rank self = port_.rank();
  const Rank led_by = leader();
  // Everybody is linked to it, and while it waits for the last one to go it passes on who goes.
  const Rank first = state(0) == PeerState::kDead ? led_by : 0;
  std::vector<std::byte> told((static_cast<std::size_t>(port_.ranks()) + 7) / 8);
  const auto note = [&told](Rank rank) {
    told[static_cast<std::size_t>(rank) / 8] |= std::byte{1} << (rank % 8);
  };
  note(self);
  note(first);
  // The others connect to who leads in place of rank 0, as soon as they know; it does not go
  // unheard before that.
  const bool leads_anew = led_by == self && state(0) == PeerState::kDead;
  for (Rank rank = 0; rank < port_.ranks(); ++rank) {
    // Who has left before may be waiting for the last one to go (is_alone()).
    if (rank == self || rank == led_by || rank == first) continue;
    if (state(rank) == PeerState::kDead) continue;
    // Who leaves because of an error: that comes first.
    if (failure_) tell(rank, FrameKind::kFailure, *failure_, Teller::Reach::kLinked);
    const bool awaited = leads_anew && state(rank) == PeerState::kAlive;
    const auto reach = awaited ? Teller::Reach::kAnyhow : Teller::Reach::kLinked;
    if (tell_news(rank, self, PeerState::kLeft, {}, reach)) note(rank);
  }
  if (led_by != self && led_by != first && tell_news(led_by, self, PeerState::kLeft, told)) {
    note(led_by);
  }
  if (first != self) tell_news(first, self, PeerState::kLeft, told);
  has_left_.store(true, std::memory_order_release);
}

bool Standing::is_alone() const noexcept {
  for (Rank rank = 0; rank < port_.ranks(); ++rank) {
    if (rank != port_.rank() && state(rank) == PeerState::kAlive) return false;
  }
  return true;
}

void Standing::tell(Rank peer, FrameKind kind, const Error& error, Teller::Reach reach) {
  const std::vector<std::byte> content = pack(error);
  teller_.tell(peer, {.kind = kind, .bytes = content.size()}, content, reach);
}

bool Standing::tell_news(Rank peer, Rank of, PeerState state, std::span<const std::byte> told,
                         Teller::Reach reach) {
  return teller_.tell(peer,
                      {.kind = FrameKind::kNews,
                       .window = static_cast<std::uint8_t>(state),
                       .tag = static_cast<std::uint32_t>(of),
                       .bytes = told.size()},
                      told, reach);
}

std::vector<std::byte> Standing::pack(const Error& error) {
  const std::size_t culprits = std::min(error.culprits().size(), kMostCulprits);
  std::vector<std::byte> bytes;
  append(bytes, static_cast<std::uint64_t>(static_cast<std::int64_t>(error.code())));
  append(bytes, culprits);
  for (std::size_t i = 0; i < culprits; ++i) {
    append(bytes, static_cast<std::uint64_t>(error.culprits()[i]));
  }
  const std::string_view text = std::string_view(error.what()).substr(0, kMostText);
  const auto* const begin = reinterpret_cast<const std::byte*>(text.data());
  bytes.insert(bytes.end(), begin, begin + text.size());
  return bytes;
}

std::optional<Error> Standing::unpack(std::span<const std::byte> content) {
  const auto word = [&content](std::size_t index) {
    return decode_word(std::span<const std::byte, kWord>(content.data() + index * kWord, kWord));
  };
  const std::size_t words = content.size() / kWord;
  if (words < 2) return std::nullopt;
  const std::uint64_t culprits = word(1);
  if (culprits > kMostCulprits || culprits > words - 2) return std::nullopt;
  std::vector<int> named;
  for (std::size_t i = 0; i < culprits; ++i) named.push_back(static_cast<int>(word(2 + i)));
  const auto text = content.subspan((2 + culprits) * kWord);
  return Error(static_cast<tuttiResult_t>(word(0)),
               std::string(reinterpret_cast<const char*>(text.data()), text.size()),
               std::move(named));
}

}  // namespace tutti::message
