// Which launcher started this process, and the world that it belongs to. docs/launching.md is the
// user's side of this folder.
#pragma once

#include "bootstrap/launchers/launcher.hpp"

namespace tutti {

// Obeys TUTTI_BOOTSTRAP, or takes the first launcher whose variables are set. tuttiInvalidUsage
// where there is none, where two contradict each other - naming both - and where one is
// incomplete. An INFO line says who it was.
World find_world(Nanoseconds timeout);

}  // namespace tutti
