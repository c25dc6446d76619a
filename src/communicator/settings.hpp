// What a communicator is made with: the configuration struct, then the environment, then defaults.
#pragma once

#include <tutti/tutti.h>

#include <optional>
#include <string>

#include "channel/channel.hpp"

namespace tutti {

struct Settings {
  std::string name = "world";
  std::string transport;  // empty: the best
  std::optional<std::string> algorithm;
  Nanoseconds timeout = std::chrono::seconds(30);
  std::optional<Nanoseconds> spin;  // unset: by whether ranks outnumber cores
  bool strict = false;   // TUTTI_CHECK: compare all ranks' fingerprints before each operation
  bool in_place = true;  // TUTTI_IN_PLACE: read peers' buffers in place where they can be reached
  Sequence first_sequence = 1;
  // Operations stay open while later ones finish: a MoE group's.
  bool concurrent = false;

  // `config` may be NULL. tuttiInvalidArgument names the field or the variable; what
  // check_transport() throws.
  static Settings read(const tuttiConfig_t* config, const char* default_name);
  // A child's: these, under another name, with what `config` (may be NULL) defines.
  Settings for_child(const tuttiConfig_t* config, const char* default_name) const;

 private:
  void apply(const tuttiConfig_t* config);
};

}  // namespace tutti
