// The instruction sets that every kernel is compiled for: scalar, AVX2 and AVX-512 on x86-64, NEON
// on aarch64. Included before any other Highway header, so that all files agree. AVX3_DL (VBMI,
// VNNI) is left out: no kernel here uses what it adds. Machines with less than AVX2 run the scalar
// code.
#pragma once

// Sanitizers make this code three to five times as slow to compile; they see it for AVX-512 and
// scalar.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TUTTI_UNSANITIZED_TARGETS HWY_AVX2
#else
#define TUTTI_UNSANITIZED_TARGETS 0
#endif

#define HWY_DISABLED_TARGETS                                                              \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | \
   TUTTI_UNSANITIZED_TARGETS)

#include <hwy/targets.h>
