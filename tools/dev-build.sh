# Sourced by ./dev: configuring and building a preset.

# build PRESET [cmake --build options]: configures if need be, then builds.
build() {
  local preset=$1
  shift
  configure "$preset"
  say "building $preset"
  cmake --build "build/$preset" --parallel "$(nproc)" "$@"
}

configure() {
  local preset=$1 options=()
  if ! cmake --list-presets | grep -q "^  \"$preset\"\$"; then
    say "no preset '$preset'; there are:"
    cmake --list-presets | sed -n 's/^  "\(.*\)"$/  \1/p' >&2
    return 2
  fi
  command -v ninja >/dev/null || options+=(-G "Unix Makefiles")
  if command -v ccache >/dev/null; then
    export CCACHE_SLOPPINESS=pch_defines,time_macros  # precompiled headers
    options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  cmake --preset "$preset" "${options[@]}" >"$(log_of "$preset")" || {
    cat "$(log_of "$preset")" >&2
    return 1
  }
}

log_of() {
  mkdir -p "build/$1"
  echo "build/$1/configure.log"
}
