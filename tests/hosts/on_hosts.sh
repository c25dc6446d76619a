#!/usr/bin/env bash
# on_hosts.sh CASE WORLD_CHECKSUM TUTTI_RUN TUTTI_PERF: ranks on several hosts (several_hosts.py) get what ranks of
# one host get. 77: hosts cannot be made here.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case=$1 checksum=$2 tutti_run=$3 perf=$4

# on HOSTS RANKS [options of several_hosts.py] -- PROGRAM...
on() {
  "$here/several_hosts.py" --hosts "$1" --ranks "$2" "${@:3}" 2>&1
  local status=$?
  ((status == 77)) && exit 77
  return $status
}

same_checksum() {
  local expected got
  expected=$("$tutti_run" -n $(($1 * $2)) "$checksum") || exit 1
  got=$(on "$@" -- "$checksum") || { echo "$got" && exit 1; }
  echo "one host: $expected; $1 hosts: $got"
  [[ $expected == "checksum "* && $got == "$expected" ]]
}

# The ranks of the last host become unreachable while all are in calls: everybody says so and names one of them,
# long before the library's deadline of 30 s.
link_down() {
  local output status begin end
  begin=$(date +%s%N)
  output=$(on 2 2 --down 3 -- "$perf" all_reduce -b 64K -e 64K -n 1000000)
  status=$?
  end=$(date +%s%N)
  echo "$output" | grep -v '^#'
  echo "ended with $status after $(((end - begin) / 1000000)) ms"
  ((status != 0)) && [[ $output == *unreachable* ]] || return 1
  (((end - begin) / 1000000 < 20000))
}

case $case in
  checksum_2x2) same_checksum 2 2 ;;
  checksum_4x2) same_checksum 4 2 ;;
  checksum_ipv6) same_checksum 2 2 --family 6 ;;
  checksum_tcp) TUTTI_TRANSPORT=tcp same_checksum 2 2 ;;
  moe_2x2) on 2 2 -- "$perf" moe --tokens 64 --hidden 2048 --topk 4 --experts 16 -n 5 -c 1 ;;
  link_down) link_down ;;
  *) echo "no case $case" && exit 2 ;;
esac
