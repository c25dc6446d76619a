// Text for a parser whose handlers want to know how far it is.
#pragma once

#include <cstddef>
#include <iterator>

namespace moe_engine {

// An iterator over characters that counts those that have been read; all its copies count in one
// place.
class CountedText {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountedText(const char* at, std::size_t* read) : at_(at), read_(read) {}
  reference operator*() const { return *at_; }
  CountedText& operator++() {
    ++at_;
    ++*read_;
    return *this;
  }
  bool operator==(const CountedText& other) const { return at_ == other.at_; }
  bool operator!=(const CountedText& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  std::size_t* read_;
};

}  // namespace moe_engine
