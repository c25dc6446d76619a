// What ranks of the test program do.
#pragma once

#include <functional>
#include <string>
#include <tutti/tutti.hpp>

namespace tutti::test {

// Throws when a result is wrong.
using Work = std::function<void(Communicator&)>;

// Empty: there is none of that name. `argument`: a rank, or a size.
Work find_work(const std::string& name, int argument);

}  // namespace tutti::test
