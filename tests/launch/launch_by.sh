#!/usr/bin/env bash
# launch_by.sh LAUNCHER PROGRAM TUTTI_RUN: starts world_checksum's ranks by a launcher, or with the variables
# of one, and compares the checksum with that of ranks that are threads. 77: the launcher is not installed.
set -euo pipefail
launcher=$1 program=$2 tutti_run=$3
ranks=4 worlds=2
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
unset "${!TUTTI_@}"
export TUTTI_SOCKET_IFNAME=lo  # ranks of a test listen on this host only

skip() {
  echo "skipped: $1 is not installed (package $2)"
  exit 77
}

# Below the range from which the kernel gives connections their ports: no other test takes it meanwhile.
free_port() {
  python3 - <<'END'
import random, socket
while True:
    port = random.randrange(20000, 30000)
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            continue
    print(port)
    break
END
}

# each_rank COMMAND: runs it for every RANK at once; rank 0 last, so that the others have to wait.
each_rank() {
  local pids=() pid
  for ((RANK = ranks - 1; RANK >= 0; --RANK)); do
    "$@" &
    pids+=($!)
    ((RANK != 1)) || sleep 0.5
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
}

by_tutti_run() { "$tutti_run" -n $ranks "$program" --worlds 1; }

# By a real ssh, to a server of the test's own.
by_ssh() {
  local sshd=/usr/sbin/sshd port
  [[ -x $sshd ]] || skip sshd openssh-server
  command -v ssh >/dev/null || skip ssh openssh-client
  [[ -d /run/sshd ]] || mkdir -p /run/sshd 2>/dev/null || { echo "skipped: sshd needs /run/sshd" && exit 77; }
  port=$(free_port)
  ssh-keygen -q -t ed25519 -N '' -f "$room/host_key"
  ssh-keygen -q -t ed25519 -N '' -f "$room/user_key"
  cat >"$room/sshd_config" <<END
Port $port
ListenAddress 127.0.0.1
HostKey $room/host_key
AuthorizedKeysFile $room/user_key.pub
PidFile $room/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
END
  $sshd -D -f "$room/sshd_config" 2>"$room/sshd.log" &
  server=$!
  trap 'kill $server 2>/dev/null; rm -rf "$room"' EXIT
  for _ in {1..100}; do
    (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null && break
    sleep 0.05
  done
  "$tutti_run" --hosts 127.0.0.1:2,localhost:2 --ssh "ssh -o BatchMode=yes -F none -p $port -i $room/user_key \
    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR" "$program" --worlds 1
}

by_openmpi() {
  command -v mpirun.openmpi >/dev/null || skip mpirun.openmpi openmpi-bin
  mpirun.openmpi --allow-run-as-root --oversubscribe -n $ranks "$program" --worlds $worlds
}

by_mpich() {
  command -v mpiexec.mpich >/dev/null || skip mpiexec.mpich mpich
  mpiexec.mpich -n $ranks "$program" --worlds $worlds
}

# A cluster of two nodes on this machine: a slurmctld, and two slurmd that share nothing but the host.
slurm() {
  command -v slurmctld >/dev/null || skip slurmctld slurmctld
  command -v slurmd >/dev/null || skip slurmd slurmd
  command -v srun >/dev/null || skip srun slurm-client
  local user node
  user=$(id -un)
  export SLURM_CONF=$room/slurm.conf
  mkdir -p "$room"/{state,spool/n1,spool/n2,tmp/n1,tmp/n2}
  cat >"$SLURM_CONF" <<END
ClusterName=tutti
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/none
CredType=cred/none
StateSaveLocation=$room/state
SlurmdSpoolDir=$room/spool/%n
TmpFS=$room/tmp/%n
SlurmctldPidFile=$room/slurmctld.pid
SlurmdPidFile=$room/%n.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname=$(hostname) NodeAddr=127.0.0.1 Port=$(free_port) CPUs=2
NodeName=n2 NodeHostname=$(hostname) NodeAddr=127.0.0.1 Port=$(free_port) CPUs=2
PartitionName=all Nodes=n1,n2 Default=YES State=UP
END
  slurmctld -D -c >"$room/slurmctld.log" 2>&1 &
  daemons=$!
  trap 'kill $daemons 2>/dev/null || true; wait; rm -rf "$room"' EXIT
  for node in n1 n2; do
    slurmd -D -N $node >"$room/$node.log" 2>&1 &
    daemons+=" $!"
  done
  nodes_are_idle
  timeout 60 srun --mpi="$1" --nodes=2 --ntasks=$ranks --overcommit "$program" --worlds $worlds ||
    { cat "$room"/*.log >&2 && return 1; }
  nodes_are_idle  # what runs the tasks has told the daemons of its end
}
nodes_are_idle() {
  for _ in {1..150}; do
    [[ $(sinfo --noheader --format=%D/%t 2>/dev/null) != 2/idle ]] || return 0
    sleep 0.1
  done
  echo "the nodes are not idle: $(sinfo 2>&1)" >&2
  return 1
}
by_slurm_pmix() { slurm pmix; }
by_slurm_pmi2() { slurm pmi2; }

torchrun_rank() {
  RANK=$RANK WORLD_SIZE=$ranks LOCAL_RANK=$RANK MASTER_ADDR=localhost MASTER_PORT=$port \
    "$program" --worlds $worlds
}
by_torchrun() {
  port=$(($(free_port) - 1))
  each_rank torchrun_rank
}

kubernetes_rank() {
  JOB_COMPLETION_INDEX=$RANK TUTTI_WORLD_SIZE=$ranks TUTTI_MEETING_HOST=localhost \
    TUTTI_MEETING_PORT=$port TUTTI_SECRET_FILE=$room/secret "$program" --worlds $worlds
}
by_kubernetes() {
  port=$(free_port)
  head -c 16 /dev/urandom | od -An -tx1 >"$room/secret"
  each_rank kubernetes_rank
}

# Pods' names, and a name server that knows rank 0's by an address which is not quite loopback's own.
statefulset_rank() {
  unshare --uts --mount bash -c 'hostname "trainer-$RANK" && mount --bind "$1" /etc/hosts && shift && exec "$@"' \
    pod "$room/hosts" env KUBERNETES_SERVICE_HOST=10.0.0.1 TUTTI_WORLD_SIZE=$ranks TUTTI_HEADLESS_SERVICE=trainers \
    TUTTI_MEETING_PORT="$port" TUTTI_SECRET=a-secret-of-this-test "$program" --worlds $worlds
}
by_statefulset() {
  unshare --uts --mount true 2>/dev/null || { echo "skipped: names and mounts of one's own need root" && exit 77; }
  export RANK
  port=$(free_port)
  echo "127.0.1.1 trainer-0.trainers" >"$room/hosts"
  each_rank statefulset_rank
}

rank_table_rank() {
  TUTTI_RANK_TABLE=$room/table.json TUTTI_LOCAL_RANK=$RANK "$program" --worlds $worlds
}
by_rank_table() {
  cat >"$room/table.json" <<END
{"hosts": [{"address": "127.0.0.1", "ranks": [0, 1, 2, 3]}], "port": $(free_port)}
END
  each_rank rank_table_rank
}

expected=$("$program" --threads $ranks)
printed=$("by_$launcher")
lines=$(grep -cxF "$expected" <<<"$printed" || true)
case $launcher in tutti_run | ssh) worlds=1 ;; esac  # one id, one world
if ((lines != worlds)) || [[ $expected != "checksum "*" of $ranks ranks" ]]; then
  echo "expected $worlds times: $expected"
  echo "printed: $printed"
  exit 1
fi
echo "$expected"
