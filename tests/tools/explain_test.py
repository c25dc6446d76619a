"""Runs tutti-sim explain: explain_test.py TUTTI_SIM TUTTI_PERF [TEST...]."""
import json
import subprocess
import sys
import unittest

SIM = PERF = ""
CAUSES = ["latency", "bytes", "rows", "flags", "looks", "sync", "copies"]


def explain(*words, **options):
    return subprocess.run([SIM, "explain", *words], stderr=subprocess.PIPE, text=True, timeout=200,
                          **({"stdout": subprocess.PIPE} | options))


class Explain(unittest.TestCase):
    def table(self, *words):
        """The head's lines, and of every algorithm whether it is chosen, its name and its numbers."""
        done = explain(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        head = [line for line in lines if line.startswith("#")]
        self.assertEqual(head[2].split()[-len(CAUSES):], CAUSES)
        rows = []
        for line in lines:
            if line.startswith("#"):
                continue
            name, *numbers = line[2:].split()
            rows.append((line[0] == ">", name, [float(number.rstrip("%")) for number in numbers]))
        return head, rows

    def test_names_what_tutti_perf_runs_and_who_lost_by_how_much(self):
        for op, size in (("all_reduce", "256"), ("all_reduce", "1M"), ("all_to_all", "4M"),
                         ("broadcast", "64K")):
            with self.subTest(op=op, size=size):
                head, rows = self.table("--fabric", "cloudmatrix384", "--ranks", "16", "--op", op,
                                        "--bytes", size)
                self.assertIn(f"{op} of ", head[0])
                self.assertIn("on 16 ranks of cloudmatrix384", head[0])
                self.assertGreater(len(rows), 0 if op == "all_reduce" and size == "1M" else 2)
                times = [numbers[0] for _, _, numbers in rows]
                self.assertEqual(times, sorted(times))
                self.assertEqual([chosen for chosen, _, _ in rows], [True] + [False] * (len(rows) - 1))
                for _, _, (time, longer, *causes) in rows:
                    self.assertAlmostEqual(longer, 100 * (time / times[0] - 1), delta=0.2)
                    self.assertGreater(min(causes), -0.0011)
                    self.assertAlmostEqual(sum(causes), time, delta=0.01)
                done = subprocess.run(
                    [PERF, op, "-b", size, "-n", "1", "-c", "0", "--fabric", "cloudmatrix384", "--ranks",
                     "16", "-J", "-"], capture_output=True, text=True, timeout=200)
                row = json.loads(done.stdout)["rows"][0]
                self.assertEqual(row["algorithm"], rows[0][1])
                self.assertAlmostEqual(row["time_us"]["p50"], times[0], delta=0.25 * times[0])

    def test_says_who_could_not_run_it_at_all(self):
        head, rows = self.table("--fabric", "cloudmatrix384", "--ranks", "384", "--op", "all_reduce", "--bytes",
                                "1M")
        self.assertRegex(head[-1], r"^# too large for the lines or the staging of: one_shot_push, .*line")
        self.assertEqual(rows[0][1], "two_shot")
        self.assertEqual({name.split(":")[0] for _, name, _ in rows[1:]}, {"two_level"})

    def test_what_costs_nothing_is_not_a_cause(self):
        _, plain = self.table("--fabric", "cloudmatrix384", "--ranks", "8", "--op", "all_reduce", "--bytes",
                              "8")
        _, free = self.table("--fabric", "cloudmatrix384", "--ranks", "8", "--op", "all_reduce", "--bytes",
                             "8", "--set", "flag_ns=0")
        flags = 2 + CAUSES.index("flags")
        self.assertGreater(max(numbers[flags] for _, _, numbers in plain), 0)
        self.assertEqual(max(numbers[flags] for _, _, numbers in free), 0)

    def test_what_is_wrong_is_named(self):
        good = {"--fabric": "cloudmatrix384", "--ranks": "4", "--op": "all_reduce", "--bytes": "1M"}
        for option, value, code, sentence in (
                ("--fabric", "nowhere", 1, "nowhere"), ("--ranks", "0", 1, "1 to 768 ranks, not 0"),
                ("--ranks", "1", 1, "--ranks 2 or more"), ("--ranks", "9999999", 1, "9999999"),
                ("--ranks", "x", 2, "--ranks"), ("--op", "all_reduc", 1, "all_reduc"),
                ("--op", "moe", 1, "--op moe"), ("--op", "all_to_allv", 1, "--op all_to_allv"),
                ("--bytes", "1X", 1, "1X"), ("--per", "socket", 1, "socket"), ("--set", "planes=0", 1, "planes=0"),
                ("--nodes", "x", 1, "'x'"), ("--fabric", None, 2, "--fabric"), ("--op", None, 2, "--op"),
                ("--nonsense", "1", 2, "--nonsense")):
            words = [word for key, each in (good | {option: value}).items() if each is not None
                     for word in (key, each)]
            done = explain(*words)
            with self.subTest(option=option, value=value):
                self.assertEqual([done.returncode, done.stdout], [code, ""], done.stderr)
                self.assertIn(sentence, done.stderr)

    def test_a_table_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = explain("--fabric", "ideal", "--ranks", "2", "--op", "barrier", "--bytes", "0",
                           stdout=full)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left", done.stderr)


if __name__ == "__main__":
    SIM, PERF = sys.argv[1:3]
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
