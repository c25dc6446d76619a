#include "tests/faults/proxied_bootstrap.hpp"

#include <algorithm>
#include <cstring>

#include "transports/tcp/node.hpp"

namespace tutti::test {

namespace {

// A door's address is found by its bytes, which are the address and nothing else.
static_assert(sizeof(SocketAddress) == 20 && std::is_trivially_copyable_v<SocketAddress>);

void replace_all(std::span<std::byte> in, const SocketAddress& old, const SocketAddress& with) {
  const auto bytes = std::as_bytes(std::span(&old, 1));
  for (auto at = in.begin();;) {
    at = std::search(at, in.end(), bytes.begin(), bytes.end());
    if (at == in.end()) return;
    std::memcpy(&*at, &with, sizeof(with));
    at += sizeof(with);
  }
}

}  // namespace

ProxiedBootstrap::ProxiedBootstrap(std::unique_ptr<Bootstrap> inner, const Plan& plan)
    : inner_(std::move(inner)),
      // The one that the transport will be given too, since all ranks share a host.
      doors_(all_gather_value(*inner_, tcp::Node::of_this_process().listen(nullptr))) {
  for (Rank peer = 0; peer < ranks(); ++peer) {
    auto& proxy = proxies_.emplace_back();
    if (peer == rank()) continue;
    proxy =
        std::make_unique<TcpProxy>(doors_[static_cast<std::size_t>(peer)],
                                   [plan, peer](int connection) { return plan(peer, connection); });
  }
}

void ProxiedBootstrap::all_gather(std::span<const std::byte> mine, std::span<std::byte> all) {
  inner_->all_gather(mine, all);
  for (std::size_t peer = 0; peer < doors_.size(); ++peer) {
    if (!proxies_[peer]) continue;
    replace_all(all.subspan(peer * mine.size(), mine.size()), doors_[peer],
                proxies_[peer]->address());
  }
}

}  // namespace tutti::test
