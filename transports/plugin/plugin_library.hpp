// A transport plugin in this process: a library with a table of functions that this host
// understands (tutti/transport_plugin.h).
#pragma once

#include <tutti/transport_plugin.h>

#include <string>

namespace tutti::plugin {

struct Plugin {
  std::string file;  // as it was named, for messages
  const tuttiTransportPlugin_t* table = nullptr;
};

// Loads it at the first call, for good: plugins may have threads. `file`: as dlopen() takes it, a
// path or a name that the loader finds. tuttiInvalidArgument, naming the file and what is wrong
// with it, for what is no plugin that can be used here.
const Plugin& load_plugin(const std::string& file);

// What an error of the plugin means, for people.
std::string describe(const Plugin& plugin, int error);

}  // namespace tutti::plugin
