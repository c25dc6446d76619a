// C++ facade: memory that peers on this host read in place, and its registration.
#pragma once

#include <limits>
#include <memory>
#include <span>
#include <tutti/types.hpp>
#include <utility>

namespace tutti {
inline namespace facade {

// `size()` zeroed elements from the process's shareable heap, aligned to 4096.
template <typename T>
requires std::is_trivially_copyable_v<T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t count) : size_(count) {
    detail::require(count <= std::numeric_limits<std::size_t>::max() / sizeof(T),
                    "Buffer: more bytes than an address space holds");
    void* memory = nullptr;
    detail::check(tuttiMemAlloc(&memory, count * sizeof(T)));
    data_.reset(static_cast<T*>(memory));
  }

  T* data() noexcept { return data_.get(); }
  const T* data() const noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }
  T* begin() noexcept { return data(); }
  const T* begin() const noexcept { return data(); }
  T* end() noexcept { return data() + size_; }
  const T* end() const noexcept { return data() + size_; }
  T& operator[](std::size_t index) noexcept { return data()[index]; }
  const T& operator[](std::size_t index) const noexcept { return data()[index]; }
  std::span<T> span() noexcept { return {data(), size_}; }
  std::span<const T> span() const noexcept { return {data(), size_}; }

  // Frees it now; throws when it is registered or in use, and is whole then.
  void free() {
    detail::check(tuttiMemFree(data()));
    (void)data_.release();
    size_ = 0;
  }

 private:
  struct Free {
    void operator()(T* memory) const noexcept { (void)tuttiMemFree(memory); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};

namespace detail {

// A handle that ends with `Release(comm, handle)`; the communicator must live longer.
template <typename Handle, tuttiResult_t (*Release)(tuttiComm_t, Handle)>
class Registered {
 public:
  Registered(tuttiComm_t comm, Handle handle) noexcept : comm_(comm), handle_(handle) {}
  Registered(Registered&& other) noexcept
      : comm_(std::exchange(other.comm_, nullptr)),
        handle_(std::exchange(other.handle_, nullptr)) {}
  Registered& operator=(Registered&& other) noexcept {
    std::swap(comm_, other.comm_);
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Registered() {
    if (comm_ != nullptr) (void)Release(comm_, handle_);
  }

  Handle get() const noexcept { return handle_; }

  // As the destructor does, but throws. A window is deregistered by every rank.
  void release() {
    if (comm_ == nullptr) return;
    const tuttiComm_t comm = std::exchange(comm_, nullptr);
    check(Release(comm, std::exchange(handle_, nullptr)), comm);
  }

 private:
  tuttiComm_t comm_;
  Handle handle_;
};

}  // namespace detail

// From Communicator::register_window (collective) and Communicator::register_memory (local).
using SymmetricWindow = detail::Registered<tuttiWindow_t, tuttiCommWindowDeregister>;
using Registration = detail::Registered<void*, tuttiCommDeregister>;

}  // namespace facade
}  // namespace tutti
