"""384 ranks as processes on this machine, with 1024 descriptors: Tutti alone."""
import resource
import threading

from . import runner

RANKS = 384
GIB = 1024 ** 3


class MemoryWatch:
    """How far MemAvailable of the whole machine falls while a block runs."""

    def __enter__(self):
        self.before = available_bytes()
        self.least = self.before
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.sample)
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.done.set()
        self.thread.join()

    def sample(self):
        while not self.done.wait(0.02):
            self.least = min(self.least, available_bytes())

    def peak(self):
        return self.before - self.least


def available_bytes():
    with open("/proc/meminfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 0


def limit_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))


def measure(launcher):
    """Lines of the table: (what, measured, target, verdict)."""
    lines = []
    reduce_run = one(launcher, ["all_reduce", "-b", "64", "-n", "200", "-w", "20"])
    if "failure" in reduce_run:
        lines.append(("start, all_reduce 64 B", reduce_run["failure"], "", "missed"))
    else:
        lines.append(line("start", reduce_run["report"]["startup_ms"] / 1e3, 8, "s"))
        lines.append(line("all_reduce 64 B", median_us(reduce_run) / 1e3, 10, "ms"))
    exchange_run = one(launcher, ["all_to_all", "-b", str(RANKS * 4096), "-n", "3", "-w", "1"])
    if "failure" in exchange_run:
        lines.append(("all_to_all 4 KB per pair", exchange_run["failure"], "verified", "missed"))
    else:
        wrong = exchange_run["report"]["rows"][0]["wrong"]
        text = f"{median_us(exchange_run) / 1e3:.0f} ms, {wrong} wrong"
        verdict = "met" if wrong == 0 else "missed"
        lines.append(("all_to_all 4 KB per pair", text, "verified", verdict))
    peak = max(reduce_run["peak"], exchange_run["peak"]) / GIB
    lines.append(line("peak memory (fall of MemAvailable)", peak, 8, "GiB"))
    return lines


def line(what, value, limit, unit):
    verdict = "met" if value < limit else "missed"
    return (what, f"{value:.2f} {unit}", f"under {limit} {unit}", verdict)


def median_us(run):
    return run["report"]["rows"][0]["time_us"]["p50"]


def one(launcher, arguments):
    with MemoryWatch() as memory:
        try:
            command = [launcher.program("tutti-perf"), *arguments, "--ranks", str(RANKS)]
            command += ["--transport", launcher.transport]
            run = {"report": launcher.report(command, timeout_s=300, preexec=limit_descriptors)}
        except runner.Failure as failure:
            run = {"failure": str(failure)}
    run["peak"] = memory.peak()
    return run
