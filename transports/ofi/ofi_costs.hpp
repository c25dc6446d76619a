// What transport ofi tells of its costs.
#pragma once

#include "transports/message/message_costs.hpp"

namespace tutti::ofi {

// Of messages by provider tcp;ofi_rxm over loopback, from all_reduce of two processes on two cores
// that others used too: twice what tcp takes for what is short, and half its bandwidth, since bytes
// are copied to packets and from them. Other providers are faster or slower by the same for all
// that is compared.
inline constexpr message::MessageCosts::Measured kOfiCosts{
    .post_ns = 5000, .latency_ns = 5000, .take_ns = 1000, .row_ns = 60, .bytes_per_ns = 1};

}  // namespace tutti::ofi
