"""How long survivors wait for a rank that was killed or gave up: 8 ranks as processes, Tutti alone."""
from . import runner

LIMIT_MS = 100


def measure(launcher, quick):
    """Lines of the table: (what, measured, target, verdict)."""
    try:
        command = [launcher.program("tutti-faults"), "--trials", "3" if quick else "10"]
        report = launcher.report(command, timeout_s=300)
    except runner.Failure as failure:
        return [("faults", str(failure), f"under {LIMIT_MS} ms", "missed")]
    return [line(row) for row in report["rows"]]


def line(row):
    times = row["time_ms"]
    text = f"{times['p50']:.1f} ms, worst {times['max']:.1f} ms"
    return (row["op"], text, f"under {LIMIT_MS} ms",
            "met" if times["max"] < LIMIT_MS else "missed")
