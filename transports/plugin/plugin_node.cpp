#include "transports/plugin/plugin_node.hpp"

#include <atomic>
#include <optional>

#include "base/environment.hpp"
#include "base/error.hpp"
#include "transports/message/node_of_process.hpp"
#include "transports/plugin/plugin_fabric.hpp"

namespace tutti::plugin {

namespace {

constexpr const char* kVariable = "TUTTI_TRANSPORT_PLUGIN";

std::unique_ptr<packets::Node> make_node() {
  return std::make_unique<packets::Node>(open_fabric(plugin_of_this_process()));
}

}  // namespace

bool is_named() { return env_string(kVariable).has_value(); }

const Plugin& plugin_of_this_process() {
  static std::atomic<const Plugin*> first{nullptr};
  const std::optional<std::string> file = env_string(kVariable);
  if (!file) {
    fail(
        tuttiInvalidArgument,
        "transport \"plugin\" needs a plugin: {} is not set, and should be the path of its library",
        kVariable);
  }
  const Plugin& plugin = load_plugin(*file);
  const Plugin* known = nullptr;
  if (first.compare_exchange_strong(known, &plugin) || known == &plugin) return plugin;
  fail(tuttiInvalidUsage, "{}=\"{}\": this process uses the plugin \"{}\", and can use one",
       kVariable, *file, known->file);
}

// The plugin is loaded before there is an owner of the node: exit() destroys what the plugin has of
// static objects after the node, which uses them to the end.
packets::Node& node_of_this_process() {
  plugin_of_this_process();
  return message::NodeOfProcess<packets::Node, make_node>::get();
}

}  // namespace tutti::plugin
