// Library memory that is lent to others while an operation runs: puts read it until they arrive,
// and peers that were told of it get it.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <tutti/transport.hpp>
#include <utility>

namespace tutti {

// An operation that ends well has seen that everybody is done, and the bytes go with it. One that
// is left by an error, or by the end of its fibre, does not know who still reads them: the
// transport keeps them as long as itself.
//
// Of the thread or fibre that runs the operation, on its stack.
class LentBytes {
 public:
  explicit LentBytes(Transport& transport) noexcept
      : transport_(transport), exceptions_(std::uncaught_exceptions()) {}
  ~LentBytes() {
    if (std::uncaught_exceptions() > exceptions_) transport_.keep(std::move(bytes_));
  }
  LentBytes(const LentBytes&) = delete;
  LentBytes& operator=(const LentBytes&) = delete;

  // Once, before anybody is told of it. What is in it is up to who writes it.
  void make(std::size_t bytes) {
    bytes_.push_back({std::make_unique_for_overwrite<std::byte[]>(bytes), bytes});
  }
  bool empty() const noexcept { return bytes_.empty(); }
  // nullptr while empty().
  std::byte* data() noexcept { return bytes_.empty() ? nullptr : bytes_.front().bytes.get(); }
  const std::byte* data() const noexcept {
    return bytes_.empty() ? nullptr : bytes_.front().bytes.get();
  }

 private:
  Transport& transport_;
  const int exceptions_;  // in flight when it was made: a destructor may run an operation
  Transport::Kept bytes_;
};

}  // namespace tutti
