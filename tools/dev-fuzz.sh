# Sourced by ./dev: parsers under libFuzzer, each beginning with its corpus in tests/fuzz/corpus.

# Runs every target for a while. What is found on the way stays in build/fuzz/found/NAME, and what ends a
# target in build/fuzz/crashes; new seeds go into the kept corpus by hand.
fuzz_all() {
  local seconds=${TUTTI_FUZZ_SECONDS:-60} program name failed=()
  build fuzz --target tutti_fuzz
  mkdir -p build/fuzz/crashes
  for program in build/fuzz/fuzz/fuzz_*; do
    name=${program##*/fuzz_}
    mkdir -p "build/fuzz/found/$name"
    say "fuzzing $name for $seconds s"
    "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="build/fuzz/crashes/$name-" "build/fuzz/found/$name" "tests/fuzz/corpus/$name" \
      >"build/fuzz/$name.log" 2>&1 || {
      failed+=("$name")
      tail -n 40 "build/fuzz/$name.log" >&2
    }
    sed -n 's/^stat::number_of_executed_units: */  runs: /p' "build/fuzz/$name.log" >&2
  done
  if ((${#failed[@]})); then
    say "failed: ${failed[*]}"
    return 1
  fi
  say "all targets passed"
}
