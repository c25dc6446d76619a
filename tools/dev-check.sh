# Sourced by ./dev: what a reviewer should not have to look for. Runs every check, then says which failed.

check_all() {
  local base failed=()
  base=$(check_base "$@")
  configure debug  # its commands name every file, where other presets compile several as one
  for check in format includes headers tidy; do
    say "check: $check"
    "check_$check" "$base" || failed+=("$check")
  done
  if ((${#failed[@]})); then
    say "failed: ${failed[*]}"
    return 1
  fi
  say "all checks passed"
}

# The commit that "changed" is measured from: the argument, or where this branch left origin/main, or
# the last commit.
check_base() {
  if (($#)); then
    git rev-parse --verify --quiet "$1^{commit}" || { say "no commit '$1'" && return 2; }
  else
    local fork
    fork=$(git merge-base HEAD origin/main 2>/dev/null || true)
    if [[ -n $fork && $fork != $(git rev-parse HEAD) ]]; then echo "$fork"; else echo HEAD~; fi
  fi
}

# sources EXTENSION...: the project's own files, tracked or new.
sources() {
  git ls-files --cached --others --exclude-standard -- "${@/#/*.}" ':!third_party' |
    while read -r file; do if [[ -f $file ]]; then echo "$file"; fi; done
}

check_format() {
  local wrong
  wrong=$(sources h hpp c cpp | xargs -r clang-format-14 --dry-run 2>&1 |
    sed -n 's/^\([^:]*\):[0-9].*clang-formatted.*/\1/p' | sort -u)
  [[ -z $wrong ]] || {
    say "not formatted; run clang-format-14 -i on:"
    echo "$wrong"
    return 1
  }
}

check_includes() {
  python3 tools/check_includes.py
}

# Every header compiles alone; the C API as C too.
check_headers() {
  local flags="-fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -Iinclude"
  flags+=" -Wno-missing-field-initializers"
  local cxx="$flags -x c++ -std=c++20 -Isrc -I. $(pkg-config --cflags libhwy hwloc spdlog)"
  sources h hpp | compile_alone g++ "$cxx" &&
    sources h | grep '^include/' | compile_alone gcc "$flags -x c -std=c11"
}

# compile_alone COMPILER FLAGS: compiles a file that only includes the header, for each of standard input.
compile_alone() {
  xargs -r -P "$(nproc)" -I {} bash -c \
    'echo "#include \"$1\"" | $2 $3 - || { echo "does not compile alone: $1"; exit 1; }' \
    alone {} "$1" "$2"
}

# clang-tidy on the translation units that changed.
check_tidy() {
  git diff --name-only --diff-filter=d "$1" -- '*.cpp' ':!third_party' |
    xargs -r -P "$(nproc)" -n 1 clang-tidy-16 --quiet -p build/debug \
      2> >(grep -v 'warnings\? generated' >&2)
}
