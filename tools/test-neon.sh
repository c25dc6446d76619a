#!/bin/sh
# Builds src/kernels and its tests for aarch64 and runs them under qemu-user.
# Usage: test-neon.sh [BUILD_DIRECTORY] [GOOGLETEST_ARGUMENT...]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build/neon}
[ $# -eq 0 ] || shift
launcher=
if command -v ccache >/dev/null; then launcher=-DCMAKE_CXX_COMPILER_LAUNCHER=ccache; fi
cmake -S "$root/tests/neon" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_TOOLCHAIN_FILE="$root/cmake/aarch64.cmake" $launcher
cmake --build "$build" --target unit_kernels
test=$(find "$build" -name unit_kernels -type f)
exec qemu-aarch64 "$test" --gtest_brief=1 "$@"
