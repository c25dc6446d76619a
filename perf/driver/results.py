"""What the rounds measured: medians over rounds, ratios within a round, failures by name."""
import statistics

from . import contenders


class Results:
    """Times are kept round by round, so that a ratio compares runs that were neighbours in time."""

    def __init__(self):
        self.runs = {}  # (row name, contender) -> [run of each round]
        self.raw = []   # of each round

    def add(self, rows, name, runs):
        for row, run in zip(rows, runs):
            self.runs.setdefault((row.name, name), []).append(run)

    def add_raw(self, fastest):
        self.raw.append(fastest)

    def times(self, row, name):
        """The median of every round; None where the round failed."""
        return [run.get("us") for run in self.runs.get((row.name, name), [])]

    def median(self, row, name):
        return median(self.times(row, name))

    def raw_times(self, row):
        return [fastest.get(row.raw) for fastest in self.raw] if row.raw else []

    def failure(self, row, name):
        """Why this contender has no time at all in this row; empty where it has."""
        runs = self.runs.get((row.name, name), [])
        if not runs or any("us" in run for run in runs):
            return ""
        return runs[-1]["failure"]

    def best_peer(self, row):
        """The name of the peer with the least median, or None."""
        found = [(self.median(row, name), name) for name in contenders.PEERS]
        return min((pair for pair in found if pair[0]), default=(None, None))[1]

    def ratios(self, row, slower_times):
        """slower / Tutti, round by round."""
        pairs = zip(slower_times, self.times(row, contenders.TUTTI))
        return [slower / ours for slower, ours in pairs if slower and ours]

    def any_wrong(self):
        return any(run.get("wrong") for runs in self.runs.values() for run in runs)

    def wrong(self, row):
        """Contenders that delivered wrong data in this row."""
        return [name for (row_name, name), runs in self.runs.items()
                if row_name == row.name and any(run.get("wrong") for run in runs)]

    def first(self, name, key):
        """The first value of `key` that any run of this contender has."""
        for (_, who), runs in self.runs.items():
            for run in runs:
                if who == name and run.get(key):
                    return run[key]
        return None

    def progress_line(self, row):
        parts = []
        for name in contenders.names(with_peers=True):
            times = self.times(row, name)
            if times:
                parts.append(f"{name} " + (f"{times[-1]:.2f}" if times[-1] else "failed"))
        return f"{row.name}: " + ", ".join(parts)


def median(values):
    known = [value for value in values if value]
    return statistics.median(known) if known else None
