#include "bootstrap/launchers/secret.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>

#include "base/environment.hpp"
#include "base/error.hpp"
#include "bootstrap/key.hpp"

namespace tutti {

namespace {

constexpr const char* kSecret = "TUTTI_SECRET";
constexpr const char* kSecretFile = "TUTTI_SECRET_FILE";
constexpr std::size_t kLongestSecret = 64 << 10;

std::string read_secret_file(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) fail_system("{}='{}'", kSecretFile, name);
  std::string text(kLongestSecret + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kLongestSecret) {
    fail(tuttiInvalidUsage, "{}='{}': longer than {} bytes", kSecretFile, name, kLongestSecret);
  }
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  if (text.empty()) fail(tuttiInvalidUsage, "{}='{}': the file is empty", kSecretFile, name);
  return text;
}

}  // namespace

std::optional<std::string> secret_text() {
  auto text = env_string(kSecret);
  const auto file = env_string(kSecretFile);
  if (text && file) fail(tuttiInvalidUsage, "{} and {} are both set", kSecret, kSecretFile);
  return file ? read_secret_file(*file) : text;
}

MeetingSecret secret_of(std::string_view text, int number) {
  const Key key = derive(derive(Key{}, text), fmt::format("tutti: the secret of world {}", number));
  MeetingSecret secret;
  static_assert(sizeof(secret) <= sizeof(key));
  std::memcpy(secret.data(), key.data(), secret.size());
  return secret;
}

}  // namespace tutti
