// Time and idling for code that runs on threads or on fibres.
#pragma once

#include <tutti/transport.hpp>

namespace tutti {

// What deadlines are compared with: the machine's steady clock, on a fibre its host's virtual time.
Nanoseconds current_time() noexcept;

// Lets others run: for loops that ask again and again. On a fibre virtual time goes on, so that
// whoever is asked about gets there.
void give_core_away();

// Does nothing for that long, which is more than zero.
void pause_for(Nanoseconds time);

}  // namespace tutti
