// What a call says against its arguments.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <tutti/error.hpp>

namespace tutti::test {

// The sentence of the tuttiInvalidArgument that call() throws; "no complaint" if it throws nothing.
template <typename Call>
std::string complaint_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), tuttiInvalidArgument);
    return error.what();
  }
  return "no complaint";
}

}  // namespace tutti::test
