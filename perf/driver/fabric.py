"""How near the library's choice of algorithms is to the fastest, on simulated fabrics."""
from . import runner

# fabric, what a rank is, ranks, groups that take part, percent that a choice may be slower
FABRICS = (
    ("cloudmatrix384", "package", 384, "2,4,8,16,24,48,96", 5),
    ("cloudmatrix384-wire", "package", 384, "2,4,8,16,24,48,96", 5),
    ("cloudmatrix384", "die", 768, "2,8,16,32,48", 5),
    ("ascend950-supernode", "", 96, "", 15),
    ("ascend950-supernode", "", 200, "", 15),
)


def measure(launcher, quick):
    """Lines of the table: (what, measured, target, verdict), and every race."""
    lines, races = [], []
    for fabric, per, ranks, groups, percent in FABRICS:
        what = f"{fabric}, {ranks} {per or 'rank'}s"
        target = f"within {percent} %"
        try:
            command = [launcher.program("tutti-selection"), "--fabric", fabric, "--ranks", str(ranks),
                       "-b", "8", "-e", "512" if quick else "256M", "--limit-percent", str(percent),
                       "--timing-only"]
            command += ["--per", per] if per else []
            command += ["--groups", groups] if groups else []
            report = launcher.report(command, timeout_s=3600, may_miss=True)
        except runner.Failure as failure:
            lines.append((what, str(failure), target, "missed"))
            continue
        worst = max(report["rows"], key=slower)
        text = (f"{len(report['rows'])} races, worst +{slower(worst):.1f} %: {worst['op']} "
                f"{worst['bytes']} B")
        lines.append((what, text, target, "met" if slower(worst) <= percent else "missed"))
        races += [(what, row) for row in report["rows"]]
    return lines, races


def slower(row):
    return (row["us"] / row["fastest_us"] - 1) * 100


def cells(race):
    what, row = race
    return (what, row["op"], str(row["bytes"]), row["chosen"], f"{row['predicted_us']:.2f}",
            f"{row['us']:.2f}", row["fastest"], f"{row['fastest_us']:.2f}", f"{slower(row):.1f} %")


HEADING = ("fabric", "op", "bytes", "chosen", "predicted (us)", "us", "fastest", "us", "slower")
