#!/usr/bin/env python3
"""Runs a program as ranks on several hosts, which are namespaces of this machine.

Each host has a network of its own (eth0, joined to the others by a bridge), its own /dev/shm, System V IPC and
name; processes and processors are the machine's. Ranks find each other by torchrun's variables. All of it is gone
when this script ends, however it ends. Exit status: the first rank's that failed; 77: this user may not make hosts.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import time

MAY_NOT = 77
NETWORK = {4: "10.77.0.{}", 6: "fd77::{}"}
PREFIX = {4: 24, 6: 64}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=2)
    parser.add_argument("--ranks", type=int, default=2, help="on each host")
    parser.add_argument("--rate", help="of each host's link, both ways, as tc takes it: 1gbit")
    parser.add_argument("--family", type=int, choices=(4, 6), default=4)
    parser.add_argument("--down", metavar="SECONDS", type=float, help="then the last host's link goes down")
    parser.add_argument("--apart", action="store_true", help="the last host and the one before have no way to each other")
    parser.add_argument("--stop", metavar="SECONDS", type=float,
                        help="then the last host's ranks are stopped, until those of the others have ended")
    parser.add_argument("--count", action="store_true", help="print what each host's interface has sent")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("program", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    if args.program[:1] == ["--"]:
        del args.program[0]
    if not args.program:
        parser.error("no program")
    return args


def enter_namespaces():
    """The bridge lives in a network of its own, and all processes end with this one."""
    probe = subprocess.run(["unshare", "--net", "--mount", "true"], stderr=subprocess.PIPE, text=True)
    if probe.returncode != 0:
        print(f"several hosts cannot be made here: {probe.stderr.strip()}")
        sys.exit(MAY_NOT)
    os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                          sys.executable, __file__, "--inside", *sys.argv[1:]])


def run(*command):
    subprocess.run([str(word) for word in command], check=True)


class Host:
    def __init__(self, number, args):
        self.number = number
        self.holder = subprocess.Popen(["unshare", "--net", "--mount", "--ipc", "--uts", "sleep", "infinity"])
        self.await_namespace()
        outside = f"host{number}"
        run("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", self.holder.pid)
        run("ip", "link", "set", outside, "master", "bridge0", "up")
        self.inside("hostname", outside)
        self.inside("mount", "-t", "tmpfs", "tmpfs", "/dev/shm")
        self.inside("ip", "link", "set", "lo", "up")
        self.inside("ip", "link", "set", "eth0", "up")
        for family in NETWORK:
            self.inside("ip", "addr", "add", f"{self.address(family)}/{PREFIX[family]}", "dev", "eth0", *(["nodad"] if family == 6 else []))
        if args.rate:
            limit = ["root", "tbf", "rate", args.rate, "burst", "128kb", "latency", "100ms"]
            self.inside("tc", "qdisc", "add", "dev", "eth0", *limit)
            run("tc", "qdisc", "add", "dev", outside, *limit)

    def address(self, family):
        return NETWORK[family].format(self.number + 1)

    def await_namespace(self):
        mine = os.readlink("/proc/self/ns/ipc")
        while os.readlink(f"/proc/{self.holder.pid}/ns/ipc") == mine:
            time.sleep(0.001)

    def command(self, *words):
        return ["nsenter", "-t", str(self.holder.pid), "--net", "--mount", "--ipc", "--uts", "--", *map(str, words)]

    def inside(self, *words):
        run(*self.command(*words))

    def sent_bytes(self):
        link = subprocess.run(self.command("ip", "-json", "-stats", "link", "show", "dev", "eth0"), check=True,
                              stdout=subprocess.PIPE).stdout
        return json.loads(link)[0]["stats64"]["tx"]["bytes"]


def start(hosts, args):
    world = args.hosts * args.ranks
    for host in hosts:
        for place in range(args.ranks):
            rank = host.number * args.ranks + place
            env = dict(os.environ, RANK=str(rank), WORLD_SIZE=str(world), LOCAL_RANK=str(place),
                       LOCAL_WORLD_SIZE=str(args.ranks), MASTER_ADDR=NETWORK[args.family].format(1),
                       MASTER_PORT="29400", TUTTI_BOOTSTRAP="torchrun", TUTTI_SECRET="of a test")
            env.pop("TUTTI_SOCKET_IFNAME", None)  # which names an interface of the machine
            yield subprocess.Popen(host.command(*args.program), env=env)


def wait_without(ranks, stopped):
    for rank in stopped:
        rank.send_signal(signal.SIGSTOP)
    for rank in ranks:
        if rank not in stopped:
            rank.wait()
    for rank in stopped:
        rank.send_signal(signal.SIGCONT)


def main():
    args = arguments()
    if not args.inside:
        enter_namespaces()
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "bridge0", "type", "bridge")
    run("ip", "link", "set", "bridge0", "up")
    hosts = [Host(number, args) for number in range(args.hosts)]
    if args.apart:
        hosts[-2].inside("ip", f"-{args.family}", "route", "add", "unreachable", hosts[-1].address(args.family))
    before = [host.sent_bytes() for host in hosts]
    ranks = list(start(hosts, args))
    if args.down is not None:
        time.sleep(args.down)
        run("ip", "link", "set", f"host{args.hosts - 1}", "down")
    if args.stop is not None:
        time.sleep(args.stop)
        wait_without(ranks, stopped=ranks[-args.ranks:])
    statuses = [rank.wait() for rank in ranks]
    if args.count:
        for host, count in zip(hosts, before):
            print(f"host {host.number} sent {host.sent_bytes() - count} bytes")
    failed = [status for status in statuses if status != 0]
    sys.exit(abs(failed[0]) if failed else 0)


if __name__ == "__main__":
    main()
