"""Runs tutti-sim what-if: what_if_test.py TUTTI_SIM TUTTI_PERF [TEST...]."""
import json
import subprocess
import sys
import unittest

SIM = PERF = ""
RUN = ["all_reduce", "--ranks", "16", "-b", "256K", "-n", "1", "-c", "0", "--fabric", "cloudmatrix384"]


def what_if(*words, **options):
    return subprocess.run([SIM, "what-if", *words], stderr=subprocess.PIPE, text=True, timeout=200,
                          **({"stdout": subprocess.PIPE} | options))


def measured(*words):
    """Mean and maximum of the first row, as tutti-perf has them."""
    done = subprocess.run([PERF, *RUN, *words, "-J", "-"], capture_output=True, text=True, timeout=200)
    row = json.loads(done.stdout)["rows"][0]["time_us"]
    return row["rank_mean"], row["p50"]


class WhatIf(unittest.TestCase):
    def test_each_setting_alone_and_all_together_beside_the_unchanged_fabric(self):
        done = what_if(*RUN, "--set", "planes=6", "--set", "straggler=3:200")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], "# all_reduce 262144 B")
        end = lines.index("# all_reduce 262144 B in place")
        table = {line[:line.index("  ", 3)].strip(): line[line.index("  ", 3):].split()
                 for line in (each.replace("all of them", "all_of_them") for each in lines[2:end])}
        self.assertEqual(list(table), ["unchanged", "planes=6", "straggler=3:200", "all_of_them"])
        plain = measured()
        for name, words in {"unchanged": [], "planes=6": ["--set", "planes=6"],
                            "straggler=3:200": ["--set", "straggler=3:200"],
                            "all_of_them": ["--set", "planes=6", "--set", "straggler=3:200"]}.items():
            mean, most = measured(*words)
            delta = most - plain[1]
            expected = [f"{mean:.3f}", f"{most:.3f}", f"{delta:+.3f}", f"{100 * delta / plain[1]:+.2f}%"]
            self.assertEqual(table[name], expected, name)
        self.assertGreater(float(table["straggler=3:200"][2]), 1, "a slow rank costs more than 1 us")

    def test_phases_have_their_tables(self):
        done = what_if("moe", "--ranks", "8", "--tokens", "5", "--hidden", "96", "--experts", "8", "--topk",
                       "3", "--fabric", "cloudmatrix384", "--set", "core_sync_ns=0")
        self.assertEqual(done.returncode, 0, done.stderr)
        names = [line[2:] for line in done.stdout.splitlines() if line.startswith("# moe")]
        self.assertEqual(names, ["moe dispatch 960 B", "moe combine 960 B"])

    def test_what_is_wrong_is_named(self):
        done = what_if(*RUN, "--set", "planes=6", "--set", "planes=0")
        self.assertEqual([done.returncode, done.stdout], [1, ""])
        self.assertIn("planes=0: ", done.stderr)
        self.assertIn("expected a whole number from 1 to 64, found 0", done.stderr)
        for words, names in ((RUN, "--set"), ([*RUN[:-2], "--set", "planes=6"], "--fabric"),
                             ([*RUN, "--set", "planes=6", "-J", "x"], "-J"),
                             ([*RUN, "--set", "planes=6", "--trace", "x"], "--trace"),
                             ([*RUN, "--set", "planes=6", "--report=x"], "--report=x")):
            done = what_if(*words)
            self.assertEqual(done.returncode, 2)
            self.assertIn(names, done.stderr)
        done = what_if("all_reduce", "--nonsense", "--fabric", "ideal", "--ranks", "2", "--set", "planes=6")
        self.assertEqual(done.returncode, 1)
        self.assertIn("--nonsense", done.stderr)

    def test_a_table_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = what_if("barrier", "--ranks", "2", "--fabric", "cloudmatrix384", "--set", "planes=6",
                           stdout=full)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left", done.stderr)


if __name__ == "__main__":
    SIM, PERF = sys.argv[1:3]
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
