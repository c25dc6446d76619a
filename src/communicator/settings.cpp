#include "communicator/settings.hpp"

#include "base/environment.hpp"
#include "base/error.hpp"
#include "transports/registry.hpp"

namespace tutti {

Settings Settings::read(const tuttiConfig_t* config, const char* default_name) {
  using std::chrono::microseconds;
  using std::chrono::milliseconds;
  Settings settings;
  settings.name = default_name;
  settings.transport = env_string("TUTTI_TRANSPORT").value_or("");
  settings.algorithm = env_string("TUTTI_ALGO");
  constexpr std::int64_t kDay = std::int64_t{24} * 3600 * 1000;
  settings.timeout = milliseconds(env_int("TUTTI_TIMEOUT_MS", 30000, 1, kDay));
  constexpr std::int64_t kUnset = -1;
  const std::int64_t spin = env_int("TUTTI_SPIN_US", kUnset, kUnset, 60'000'000);
  if (spin != kUnset) settings.spin = microseconds(spin);
  settings.strict = env_choice("TUTTI_CHECK", false, {{"fast", false}, {"strict", true}});
  settings.in_place = env_choice("TUTTI_IN_PLACE", true, {{"0", false}, {"1", true}});
  settings.first_sequence =
      static_cast<Sequence>(env_int("TUTTI_SEQUENCE_START", 1, 1, std::int64_t{1} << 62));
  settings.apply(config);
  check_transport(settings.transport);
  return settings;
}

Settings Settings::for_child(const tuttiConfig_t* config, const char* default_name) const {
  Settings settings = *this;
  settings.name = default_name;
  settings.apply(config);
  return settings;
}

void Settings::apply(const tuttiConfig_t* config) {
  if (config == nullptr) return;
  if (config->size != sizeof(tuttiConfig_t)) {
    fail(tuttiInvalidArgument,
         "config->size is {}, expected {}: start from TUTTI_CONFIG_INITIALIZER", config->size,
         sizeof(tuttiConfig_t));
  }
  if (config->timeout_ms != TUTTI_CONFIG_UNDEF_INT) {
    if (config->timeout_ms <= 0) {
      fail(tuttiInvalidArgument, "config->timeout_ms is {}, expected more than 0",
           config->timeout_ms);
    }
    timeout = std::chrono::milliseconds(config->timeout_ms);
  }
  if (config->name != nullptr) name = config->name;
  if (config->transport != nullptr) transport = config->transport;
}

}  // namespace tutti
