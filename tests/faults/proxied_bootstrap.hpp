// Ranks that are processes, and reach each other by transport tcp through proxies: each rank calls
// each other one at a proxy of its own. Nothing else of how they meet is touched.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "bootstrap/bootstrap.hpp"
#include "tests/support/tcp_proxy.hpp"

namespace tutti::test {

class ProxiedBootstrap final : public Bootstrap {
 public:
  // Of the connections that this rank makes to `peer`.
  using Plan = std::function<TcpProxy::Passage(Rank peer, int connection)>;

  // Collective over `inner`. The proxies live as long as this.
  ProxiedBootstrap(std::unique_ptr<Bootstrap> inner, const Plan& plan);

  TcpProxy& proxy_to(Rank peer) { return *proxies_[static_cast<std::size_t>(peer)]; }
  // Leaves the others; the proxies stay. Nothing else is called after this.
  void leave() { inner_.reset(); }

  Rank rank() const noexcept override { return inner_->rank(); }
  int ranks() const noexcept override { return inner_->ranks(); }
  Rank name_of(Rank rank) const noexcept override { return inner_->name_of(rank); }
  // Wherever a rank says where it listens, this rank reads the proxy's address.
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override;
  Key key() override { return inner_->key(); }
  std::optional<SocketAddress> local_end() const override { return inner_->local_end(); }

 private:
  std::unique_ptr<Bootstrap> inner_;
  std::vector<SocketAddress> doors_;                // by rank
  std::vector<std::unique_ptr<TcpProxy>> proxies_;  // by rank; none to this one
};

}  // namespace tutti::test
