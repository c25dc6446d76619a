"""Who is measured, and how each is started with its best settings."""
import os

from . import runner

TUTTI = "tutti"
PEERS = ("openmpi", "openmpi-copy", "mpich", "gloo")

SETTINGS = {
    "openmpi": "mpirun --bind-to core, pml ob1, btl self,vader, single copy by CMA",
    "openmpi-copy": "the same with btl_vader_single_copy_mechanism none: two copies, no CMA",
    "mpich": "mpiexec.hydra -bind-to core, device ch4:ucx as Debian builds it, shared memory",
    "gloo": "TCP over loopback, ranks not bound, option objects kept from call to call",
}
TCP_SETTINGS = {
    "openmpi": "mpirun --bind-to core, pml ob1, btl self,tcp over lo",
    "mpich": "mpiexec.hydra -bind-to core, device ch4:ucx as Debian builds it, UCX_TLS=tcp,self",
    "gloo": SETTINGS["gloo"],
}
CROWDED_SETTINGS = "more ranks than cores: mpirun --bind-to none, mpi_yield_when_idle 1"


def settings(name, transport):
    return (TCP_SETTINGS if transport == "tcp" else SETTINGS)[name]


def names(with_peers, transport="shm"):
    peers = PEERS if transport == "shm" else tuple(TCP_SETTINGS)
    return (TUTTI,) + (peers if with_peers else ())


def takes_part(name, row):
    if name == TUTTI:
        return True
    if row.op == "moe" and name == "openmpi-copy":
        return False
    return not row.peers or name in row.peers


def run(launcher, name, rows, quick):
    """What the table needs of each of `rows`, which one run yields (the phases of a step)."""
    row = rows[0]
    samples = max(20, row.samples // 5) if quick else row.samples
    try:
        command = command_of(launcher, name, row) + [row.op, *row.arguments, "-n", str(samples)]
        command += own_options(launcher, name, row)
        report = launcher.report(command, timeout_s=60 if row.ranks <= 8 else 120)
    except runner.Failure as failure:
        return [{"failure": str(failure)} for _ in rows]
    return [pick(report, row) for row in rows]


def command_of(launcher, name, row):
    if name == TUTTI:
        return [launcher.program("tutti-perf")]
    if name == "gloo":
        return [launcher.program("peer-gloo"), "--ranks", str(row.ranks)]
    crowded = row.ranks > os.cpu_count()
    if name == "mpich":
        binding = [] if crowded else ["-bind-to", "core"]
        command = ["mpiexec.hydra", "-n", str(row.ranks), *binding]
        if launcher.transport == "tcp":
            command += ["-genv", "UCX_TLS", "tcp,self", "-genv", "UCX_NET_DEVICES", "lo"]
        return command + launcher.raised() + [launcher.program("peer-mpich")]
    command = ["mpirun.openmpi", "--allow-run-as-root", "--oversubscribe", "-n", str(row.ranks),
               "--mca", "pml", "ob1"]
    if launcher.transport == "tcp":
        command += ["--mca", "btl", "self,tcp", "--mca", "btl_tcp_if_include", "lo"]
    else:
        command += ["--mca", "btl", "self,vader"]
    if crowded:
        command += ["--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"]
    else:
        command += ["--bind-to", "core"]
    if name == "openmpi-copy":
        command += ["--mca", "btl_vader_single_copy_mechanism", "none"]
    return command + [launcher.program("peer-openmpi")]


def own_options(launcher, name, row):
    if name == TUTTI:
        return [
            *("--ranks", str(row.ranks)),
            *("--transport", launcher.transport),
            *("--buffers", row.buffers),
        ]
    return ["--rows-per", row.peer_rows_per] if row.op == "moe" else []


def pick(report, row):
    for line in report["rows"]:
        if line.get("phase") == row.phase:
            return {
                "us": line["time_us"]["p50"],
                "wrong": line["wrong"],
                "commit": report.get("commit"),
                "version": report.get("peer_version"),
                "machine": report.get("machine"),
            }
    return {"failure": "no such row in its report"}


def run_raw(launcher, quick):
    """{(operation, bytes): microseconds of the fastest variant}; empty when they cannot run."""
    try:
        command = [launcher.program("tutti-raw"), "--seconds", "0.05" if quick else "0.15",
                   "--transport", launcher.transport]
        report = launcher.report(command, timeout_s=120)
    except runner.Failure:
        return {}
    fastest = {}
    for line in report["rows"]:
        key = (line["op"], line["bytes"])
        fastest[key] = min(fastest.get(key, float("inf")), line["time_us"]["p50"])
    return fastest
