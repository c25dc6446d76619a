# Sourced by ./dev: every test in release; those with thread ranks again under the sanitizers.

test_all() {
  local logs=() failed=0
  build release
  run_tests release || failed=1
  build asan --target tutti_thread_tests
  run_tests asan --label-regex '^threads$' || failed=1
  build tsan --target tutti_thread_tests
  run_tests tsan --label-regex '^threads$' || failed=1
  summary "${logs[@]}"
  return "$failed"
}

# run_tests PRESET [ctest options]
run_tests() {
  local preset=$1 log=build/$1/ctest.log
  shift
  say "testing $preset"
  logs+=("$log")
  ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 \
    TSAN_OPTIONS=second_deadlock_stack=1 \
    ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --parallel "$(nproc)" "$@" 2>&1 | tee "$log"
}

# summary LOG...: adds up ctest's closing lines ("98% tests passed, 1 tests failed out of 60").
summary() {
  sed -n '/tests FAILED:/,/^$/p' "$@" | grep -E '^\s+[0-9]+ - ' >&2 || true
  sed -n 's/.* \([0-9]*\) tests failed out of \([0-9]*\)$/\1 \2/p' "$@" |
    awk '{failed += $1; all += $2} END {printf "%d passed, %d failed\n", all - failed, failed}'
}
