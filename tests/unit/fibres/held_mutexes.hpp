// Counts the std::mutexes that the thread holds: this program replaces the functions below them.
#pragma once

namespace tutti::test {

// 0 in a build with sanitizers, which replace these functions themselves.
int held_mutexes() noexcept;

}  // namespace tutti::test
