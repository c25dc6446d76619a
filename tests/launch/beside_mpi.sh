#!/usr/bin/env bash
# beside_mpi.sh openmpi|mpich LIBRARY: a program that uses MPI too, built here, with either of them first.
set -euo pipefail
mpi=$1 libraries=$(dirname "$2")
here=$(dirname "$0")
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
unset "${!TUTTI_@}"
export TUTTI_SOCKET_IFNAME=lo
command -v "mpicc.$mpi" >/dev/null || { echo "skipped: mpicc.$mpi is not installed" && exit 77; }
"mpicc.$mpi" -std=c11 -D_POSIX_C_SOURCE=200809L -I"$here/../../include" "$here/beside_mpi.c" -o "$room/beside_mpi" \
  -L"$libraries" -ltutti -Wl,-rpath,"$libraries"
for first in mpi tutti; do
  case $mpi in
    openmpi) mpirun.openmpi --allow-run-as-root --oversubscribe -n 2 "$room/beside_mpi" $first ;;
    mpich) mpiexec.mpich -n 2 "$room/beside_mpi" $first ;;
  esac || { echo "failed with $first first" && exit 1; }
done
