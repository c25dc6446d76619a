#!/usr/bin/env bash
# on_hosts.sh CASE WORLD_CHECKSUM TUTTI_RUN TUTTI_PERF DISPATCH_BYTES: ranks on several hosts (several_hosts.py) get what ranks of
# one host get. 77: hosts cannot be made here.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case=$1 checksum=$2 tutti_run=$3 perf=$4 dispatch_bytes=$5

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
# long before the library's deadline of 30 s. --down: their link acknowledges nothing. --stop: it does, but nothing
# comes from them.
unreachable() {
  local output status begin end
  begin=$(date +%s%N)
  output=$(on 2 2 "$1" 3 -- "$perf" all_reduce -b 64K -e 64K -n 1000000)
  status=$?
  end=$(date +%s%N)
  echo "$output" | grep -v '^#'
  echo "ended with $status after $(((end - begin) / 1000000)) ms"
  ((status != 0)) && [[ $output == *unreachable* ]] || return 1
  (((end - begin) / 1000000 < 20000))
}

# Hosts that all reach rank 0, but not each other: that is said when ranks meet, not by the first operation that needs it.
apart() {
  local output status
  output=$(TUTTI_TRANSPORT=tcp on 3 1 --apart -- "$checksum")
  status=$?
  echo "$output"
  ((status != 0)) && (($(grep -c 'InitWorld.*rank 2 is unreachable from rank 1.*No route to host' <<<"$output") == 3))
}

# A frame that takes seconds to leave, all that time without a word from the other side, which takes it: no silence.
slow_frame() {
  TUTTI_TRANSPORT=tcp TUTTI_ALGO=exchange_push on 2 1 --rate 300mbit -- "$perf" broadcast -b 96M -e 96M -n 1 -w 0 -c 1
}

# field NAME OUTPUT: the number in its line "host 0 NAME ...", and in that of host 1.
field() { awk -v name="$1" '$1 == "host" && $3 == name { print $4 }' <<<"$2"; }

# What more dispatches make leave a host is what the other one wants, each row once, and at most 5 % beside it.
dispatch_once() {
  local few many
  few=$(on 2 4 --rate 1gbit --count -- "$dispatch_bytes" 4 2) || { echo "$few" && exit 1; }
  many=$(on 2 4 --rate 1gbit --count -- "$dispatch_bytes" 4 10) || { echo "$many" && exit 1; }
  echo "2 dispatches: $few"
  echo "10 dispatches: $many"
  local wanted sent_few sent_many host
  mapfile -t wanted < <(field receives "$many")
  mapfile -t sent_few < <(field sent "$few")
  mapfile -t sent_many < <(field sent "$many")
  for host in 0 1; do
    local sent=$(((sent_many[host] - sent_few[host]) / 8)) want=${wanted[1 - host]}
    echo "host $host sends $sent bytes a dispatch, of which host $((1 - host)) wants $want"
    ((want > 0 && sent >= want && sent <= want + want / 20)) || return 1
  done
}

case $case in
  checksum_2x2) same_checksum 2 2 ;;
  checksum_4x2) same_checksum 4 2 ;;
  checksum_ipv6) same_checksum 2 2 --family 6 ;;
  checksum_tcp) TUTTI_TRANSPORT=tcp same_checksum 2 2 ;;
  moe_2x2) on 2 2 -- "$perf" moe --tokens 64 --hidden 2048 --topk 4 --experts 16 -n 5 -c 1 ;;
  dispatch_once) dispatch_once ;;
  link_down) unreachable --down ;;
  apart) apart ;;
  slow_frame) slow_frame ;;
  ranks_stopped) unreachable --stop ;;
  *) echo "no case $case" && exit 2 ;;
esac
