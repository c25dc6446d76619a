#include "bootstrap/key.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <memory>

#include "base/error.hpp"

namespace tutti {

Key authenticate(const Key& key, std::initializer_list<std::span<const std::byte>> parts) {
  using Context = std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)>;
  // Looked up once, and kept to the end of the process: OpenSSL takes as long for it as for a code.
  static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  const Context context(mac != nullptr ? EVP_MAC_CTX_new(mac) : nullptr, EVP_MAC_CTX_free);
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                   OSSL_PARAM_construct_end()};
  bool good =
      context && EVP_MAC_init(context.get(), reinterpret_cast<const unsigned char*>(key.data()),
                              key.size(), parameters) == 1;
  for (const std::span<const std::byte> part : parts) {
    good =
        good && EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(part.data()),
                               part.size()) == 1;
  }
  Key code{};
  std::size_t bytes = 0;
  good = good && EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(code.data()), &bytes,
                               code.size()) == 1;
  if (!good || bytes != code.size()) fail(tuttiSystemError, "OpenSSL has no HMAC with SHA-256");
  return code;
}

Key derive(const Key& key, std::string_view purpose) {
  return authenticate(key, {std::as_bytes(std::span(purpose.data(), purpose.size()))});
}

bool same(const Key& a, const Key& b) noexcept {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// Registers what OpenSSL does at exit, if that has not been registered yet. Asked for nothing, it
// would not even do that.
void outlast_threads() { OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, nullptr); }

Key random_key() {
  Key key;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), static_cast<int>(key.size())) != 1) {
    fail(tuttiSystemError, "OpenSSL has no random bytes");
  }
  return key;
}

}  // namespace tutti
