// What transports on networks of datagrams tell of their costs.
#pragma once

#include "transports/message/message_costs.hpp"

namespace tutti::packets {

// Of messages by libfabric's tcp;ofi_rxm over loopback, from all_reduce of two processes on two
// cores that others used too: twice what tcp takes for what is short, and half its bandwidth, since
// bytes are copied to packets and from them. Other networks are faster or slower by the same for
// all that is compared.
inline constexpr message::MessageCosts::Measured kPacketCosts{
    .post_ns = 5000, .latency_ns = 5000, .take_ns = 1000, .row_ns = 60, .bytes_per_ns = 1};

}  // namespace tutti::packets
