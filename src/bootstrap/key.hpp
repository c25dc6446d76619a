// What the ranks of a communicator know and nobody else: a key, and the codes by which they show
// each other that they know it. SHA-256 and HMAC are OpenSSL's.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>

namespace tutti {

using Key = std::array<std::byte, 32>;

// HMAC-SHA256 of the parts, one after the other. tuttiSystemError where OpenSSL refuses.
Key authenticate(const Key& key, std::initializer_list<std::span<const std::byte>> parts);
// A key for one purpose, from which the other cannot be told.
Key derive(const Key& key, std::string_view purpose);
// Takes as long for a code that is nearly right as for any other.
bool same(const Key& a, const Key& b) noexcept;
// That nobody can guess.
Key random_key();

// Before an object whose destructor ends threads at the end of the process: OpenSSL, which takes
// its memory back at the end too, is then still there while they end.
void outlast_threads();

}  // namespace tutti
