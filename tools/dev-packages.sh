# Sourced by ./dev: Debian packages, from tools/packages.txt.

# packages_of GROUP...: the names in these groups; without groups, all.
packages_of() {
  awk -v groups=" $* " '/^#/ || NF < 2 {next} groups == "  " || index(groups, " " $1 " ") {print $2}' \
    tools/packages.txt
}

# need GROUP...: installs what is missing of these groups; where that is impossible, prints the command
# and fails. Elsewhere than on Debian CMake is left to find out.
need() {
  command -v dpkg-query >/dev/null || return 0
  local package missing=() as_root=()
  local installed
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
  for package in $(packages_of "$@"); do
    grep -qxF "$package" <<<"$installed" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  local install=(apt-get install -y --no-install-recommends "${missing[@]}")
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null || { [[ ! -t 0 ]] && ! sudo -n true 2>/dev/null; }; then
      say "these packages are missing; as root, run:"
      echo "  apt-get update && ${install[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -q && "${as_root[@]}" "${install[@]}"
}
