// The network as libfabric gives it: one endpoint for reliable datagrams, one queue of completions.
#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <vector>

#include "base/error.hpp"
#include "transports/ofi/ofi_node.hpp"
#include "transports/ofi/provider.hpp"

namespace tutti::ofi {

namespace {

using packets::Capabilities;
using packets::Completion;
using packets::Fabric;
using packets::Operation;
using packets::PeerAddress;
using packets::Region;
using packets::RemoteAddress;
using packets::Taken;

static_assert(sizeof(Operation::reserved) >= sizeof(fi_context2));

// Of all-reduce by two processes over loopback (tcp;ofi_rxm): 16 KiB take 45 us by writes and 30 by
// packets, 32 KiB as long either way, 64 KiB 60 us and 90.
constexpr std::size_t kWorthWriting = std::size_t{64} << 10;
// Completions that are read at once, and room in the queue for peers' writes.
constexpr std::size_t kMostEntries = 32;
constexpr std::size_t kWritesHere = 1024;

struct Close {
  template <typename Object>
  void operator()(Object* object) const noexcept {
    ::fi_close(&object->fid);
  }
};
template <typename Object>
using Owned = std::unique_ptr<Object, Close>;

void check(int result, const char* what) {
  if (result == 0) return;
  fail(tuttiSystemError, "transport ofi: libfabric cannot {}: {}", what,
       Library::get().strerror(-result));
}

class RdmRegion final : public Region {
 public:
  RdmRegion(Owned<fid_mr> region, const std::byte* memory)
      : region_(std::move(region)), memory_(memory) {}
  const std::byte* memory() const noexcept { return memory_; }
  void* descriptor() const noexcept { return ::fi_mr_desc(region_.get()); }
  std::uint64_t key() const noexcept { return ::fi_mr_key(region_.get()); }

 private:
  Owned<fid_mr> region_;
  const std::byte* const memory_;
};

class RdmFabric final : public Fabric, private packets::Writer {
 public:
  explicit RdmFabric(Info info);

  const Capabilities& capabilities() const noexcept override { return can_; }
  std::span<const std::byte> address() const noexcept override { return address_; }
  PeerAddress add_peer(std::span<const std::byte> address) override;
  std::unique_ptr<Region> register_memory(std::span<std::byte> memory) override {
    return register_for(memory, FI_SEND | FI_RECV | (writer() != nullptr ? FI_WRITE : 0));
  }
  Taken send(PeerAddress peer, std::span<const std::byte> message, const Region* local,
             Operation& operation) override;
  Taken receive(std::span<std::byte> place, const Region* local, Operation& operation) override;
  Writer* writer() noexcept override { return tells_of_writes(*info_) ? this : nullptr; }
  std::size_t read(std::span<Completion> ends) override;
  int wait_descriptor() const noexcept override { return wait_descriptor_; }
  bool may_wait() noexcept override;
  void shut() noexcept override { endpoint_.reset(); }
  std::string describe(int error) const override { return Library::get().strerror(error); }

 private:
  std::size_t most_bytes() const noexcept override { return info_->ep_attr->max_msg_size; }
  std::size_t worth_bytes() const noexcept override { return kWorthWriting; }
  std::unique_ptr<Region> open_to_peers(std::span<std::byte> memory) override {
    return register_for(memory, FI_REMOTE_WRITE);
  }
  RemoteAddress address_of(const Region& region) const noexcept override;
  Taken write(PeerAddress peer, std::span<const std::byte> bytes, const Region* local,
              const RemoteAddress& to, std::uint32_t number, Operation& operation) override;

  void open_queue();
  void learn_address();
  std::unique_ptr<Region> register_for(std::span<std::byte> memory, std::uint64_t access);
  static Taken taken(ssize_t result) noexcept;
  static void* descriptor(const Region* local) noexcept {
    return local != nullptr ? static_cast<const RdmRegion*>(local)->descriptor() : nullptr;
  }
  Completion completion_of(const fi_cq_data_entry& entry) const noexcept;

  const Info info_;
  Capabilities can_;
  Owned<fid_fabric> fabric_;
  Owned<fid_domain> domain_;
  Owned<fid_cq> queue_;
  Owned<fid_av> peers_;
  Owned<fid_ep> endpoint_;
  int wait_descriptor_ = -1;                // the queue's
  std::atomic<std::uint64_t> last_key_{0};  // where the network does not choose them itself
  std::vector<std::byte> address_;
};

RdmFabric::RdmFabric(Info info) : info_(std::move(info)) {
  can_.transport = "ofi";
  can_.network = std::string("libfabric provider ") + info_->fabric_attr->prov_name;
  can_.message_bytes = info_->ep_attr->max_msg_size;
  can_.registers_local = (info_->domain_attr->mr_mode & FI_MR_LOCAL) != 0;

  fid_fabric* fabric = nullptr;
  check(Library::get().fabric(info_->fabric_attr, &fabric, nullptr), "open its fabric");
  fabric_.reset(fabric);
  fid_domain* domain = nullptr;
  check(::fi_domain(fabric, info_.get(), &domain, nullptr), "open its domain");
  domain_.reset(domain);
  open_queue();
  fi_av_attr av_attributes{};
  fid_av* peers = nullptr;
  check(::fi_av_open(domain, &av_attributes, &peers, nullptr), "open its table of addresses");
  peers_.reset(peers);
  fid_ep* endpoint = nullptr;
  check(::fi_endpoint(domain, info_.get(), &endpoint, nullptr), "open its endpoint");
  endpoint_.reset(endpoint);
  check(::fi_ep_bind(endpoint, &peers->fid, 0), "bind its table of addresses");
  check(::fi_ep_bind(endpoint, &queue_->fid, FI_TRANSMIT | FI_RECV), "bind its queue");
  check(::fi_enable(endpoint), "enable its endpoint");
  learn_address();
}

// With a descriptor to sleep on where there is one: some queues say that they have it, and do not
// give it.
void RdmFabric::open_queue() {
  fi_cq_attr attributes{};
  attributes.size = info_->tx_attr->size + info_->rx_attr->size + kWritesHere;
  attributes.format = FI_CQ_FORMAT_DATA;
  for (const fi_wait_obj wakes : {FI_WAIT_FD, FI_WAIT_NONE}) {
    attributes.wait_obj = wakes;
    fid_cq* queue = nullptr;
    const int result = ::fi_cq_open(domain_.get(), &attributes, &queue, nullptr);
    if (wakes == FI_WAIT_NONE) check(result, "open its queue");
    if (result != 0) continue;
    queue_.reset(queue);
    can_.sleeps =
        wakes == FI_WAIT_FD && ::fi_control(&queue->fid, FI_GETWAIT, &wait_descriptor_) == 0;
    if (can_.sleeps) return;
  }
}

void RdmFabric::learn_address() {
  address_.resize(kMostAddressBytes);
  std::size_t bytes = address_.size();
  check(::fi_getname(&endpoint_->fid, address_.data(), &bytes), "say its address");
  address_.resize(bytes);
}

PeerAddress RdmFabric::add_peer(std::span<const std::byte> address) {
  fi_addr_t peer = FI_ADDR_UNSPEC;
  if (::fi_av_insert(peers_.get(), address.data(), 1, &peer, 0, nullptr) != 1) {
    fail(tuttiSystemError, "transport ofi: libfabric does not take a peer's address");
  }
  return peer;
}

std::unique_ptr<Region> RdmFabric::register_for(std::span<std::byte> memory, std::uint64_t access) {
  const auto modes = static_cast<std::uint64_t>(info_->domain_attr->mr_mode);
  fid_mr* made = nullptr;
  check(::fi_mr_reg(domain_.get(), memory.data(), memory.size(), access, 0,
                    last_key_.fetch_add(1, std::memory_order_relaxed) + 1, 0, &made, nullptr),
        "register memory");
  Owned<fid_mr> region(made);
  if ((modes & FI_MR_ENDPOINT) != 0) {
    check(::fi_mr_bind(made, &endpoint_->fid, 0), "bind memory to its endpoint");
    check(::fi_mr_enable(made), "enable memory");
  }
  return std::make_unique<RdmRegion>(std::move(region), memory.data());
}

RemoteAddress RdmFabric::address_of(const Region& region) const noexcept {
  const auto& own = static_cast<const RdmRegion&>(region);
  const bool by_address = (info_->domain_attr->mr_mode & FI_MR_VIRT_ADDR) != 0;
  return {.address = by_address ? reinterpret_cast<std::uintptr_t>(own.memory()) : 0,
          .key = own.key()};
}

Taken RdmFabric::taken(ssize_t result) noexcept {
  if (result == 0) return Taken::kYes;
  return result == -FI_EAGAIN ? Taken::kLater : Taken::kNever;
}

Taken RdmFabric::send(PeerAddress peer, std::span<const std::byte> message, const Region* local,
                      Operation& operation) {
  return taken(::fi_send(endpoint_.get(), message.data(), message.size(), descriptor(local), peer,
                         &operation));
}

Taken RdmFabric::receive(std::span<std::byte> place, const Region* local, Operation& operation) {
  return taken(::fi_recv(endpoint_.get(), place.data(), place.size(), descriptor(local),
                         FI_ADDR_UNSPEC, &operation));
}

Taken RdmFabric::write(PeerAddress peer, std::span<const std::byte> bytes, const Region* local,
                       const RemoteAddress& to, std::uint32_t number, Operation& operation) {
  return taken(::fi_writedata(endpoint_.get(), bytes.data(), bytes.size(), descriptor(local),
                              number, peer, to.address, to.key, &operation));
}

// How much a peer's write has brought (len) is not told by all providers; verbs;ofi_rxm says 0.
Completion RdmFabric::completion_of(const fi_cq_data_entry& entry) const noexcept {
  if ((entry.flags & FI_REMOTE_WRITE) != 0) {
    const bool used_up = (info_->mode & FI_RX_CQ_DATA) != 0;
    return {.kind = Completion::Kind::kWritten,
            .operation = used_up ? static_cast<Operation*>(entry.op_context) : nullptr,
            .number = static_cast<std::uint32_t>(entry.data)};
  }
  const bool came = (entry.flags & FI_RECV) != 0;
  return {.kind = came ? Completion::Kind::kReceived : Completion::Kind::kSent,
          .operation = static_cast<Operation*>(entry.op_context),
          .bytes = came ? entry.len : 0};
}

std::size_t RdmFabric::read(std::span<Completion> ends) {
  std::array<fi_cq_data_entry, kMostEntries> entries;
  const ssize_t count =
      ::fi_cq_read(queue_.get(), entries.data(), std::min(ends.size(), entries.size()));
  if (count > 0) {
    std::transform(entries.begin(), entries.begin() + count, ends.begin(),
                   [this](const fi_cq_data_entry& entry) { return completion_of(entry); });
    return static_cast<std::size_t>(count);
  }
  if (count != -FI_EAVAIL) return 0;
  fi_cq_err_entry error{};
  if (::fi_cq_readerr(queue_.get(), &error, 0) != 1) return 0;
  ends.front() = {.kind = Completion::Kind::kFailed,
                  .operation = static_cast<Operation*>(error.op_context),
                  .error = error.err};
  return 1;
}

bool RdmFabric::may_wait() noexcept {
  fid* waited[] = {&queue_->fid};
  return ::fi_trywait(fabric_.get(), waited, 1) == 0;
}

}  // namespace

std::unique_ptr<Fabric> open_fabric() { return std::make_unique<RdmFabric>(choose_provider()); }

FabricSearch search_fabric() {
  if (!has_fabric_device()) return {.why_not = "this host has no device of a fabric"};
  try {
    return search_providers();
  } catch (const Error& error) {
    return {.why_not = error.what()};
  }
}

}  // namespace tutti::ofi
