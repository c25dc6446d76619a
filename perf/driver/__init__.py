"""The parts of perf/bench."""
