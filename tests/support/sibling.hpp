// Another communicator of the same ranks, beside the one that a test's body was given.
#pragma once

#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <utility>

namespace tutti::test {

class Sibling {
 public:
  // Collective.
  explicit Sibling(tuttiComm_t comm) {
    EXPECT_EQ(tuttiCommSplit(comm, 0, 0, &comm_, nullptr), tuttiSuccess) << tuttiGetLastError(comm);
  }
  ~Sibling() {
    if (comm_ == nullptr) return;
    EXPECT_EQ(tuttiCommDestroy(comm_), tuttiSuccess);
  }
  Sibling(const Sibling&) = delete;
  Sibling& operator=(const Sibling&) = delete;

  operator tuttiComm_t() const { return comm_; }
  // The test ends it itself.
  tuttiComm_t take() { return std::exchange(comm_, nullptr); }

 private:
  tuttiComm_t comm_ = nullptr;
};

}  // namespace tutti::test
