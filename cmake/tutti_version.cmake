# The version lives in include/tutti/tutti.h; this sets TUTTI_VERSION from it.
file(STRINGS ${CMAKE_CURRENT_SOURCE_DIR}/include/tutti/tutti.h lines
  REGEX "^#define TUTTI_(MAJOR|MINOR|PATCH) [0-9]+$")
list(TRANSFORM lines REPLACE "^.* ([0-9]+)$" "\\1")
list(LENGTH lines count)
if(NOT count EQUAL 3)
  message(FATAL_ERROR "include/tutti/tutti.h does not define TUTTI_MAJOR, TUTTI_MINOR and TUTTI_PATCH")
endif()
list(JOIN lines "." TUTTI_VERSION)
