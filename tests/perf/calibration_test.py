"""The library's dispatch and combine on a fabric, against published times: calibration_test.py TUTTI_PERF."""
import pathlib
import re
import subprocess
import sys
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
PROGRAM = ""


def times(*words):
    return subprocess.run([sys.executable, "-B", TOOLS / "calibration/moe_times", *words], capture_output=True,
                          text=True, timeout=250)


class Calibration(unittest.TestCase):
    def test_cloudmatrix_is_within_seven_percent(self):
        done = subprocess.run(
            [sys.executable, "-B", TOOLS / "calibrate", TOOLS / "calibration/cloudmatrix384.json", "--as-is",
             "--evaluator", f"{sys.executable} -B {TOOLS / 'calibration/moe_times'} {PROGRAM}"],
            capture_output=True, text=True, timeout=250)
        self.assertEqual(done.returncode, 0, done.stderr)
        points = re.findall(r"^ +(\d+) +128 ", done.stdout, re.MULTILINE)
        self.assertEqual(points, ["8", "32", "128"])
        self.assertLess(float(re.search(r"largest error: ([\d.]+) %", done.stdout)[1]), 7, done.stdout)

    # Points that are not fitted: no cost grows with the ranks for ever.
    def test_times_flatten(self):
        options = ("--per", "die", "--experts", "256", "--layout", "expert", "--rows-per", "lane",
                   "--dispatch-type", "int8")
        done = times(PROGRAM, "--fabric", "cloudmatrix384", *options, "--point", "64:128", "--point", "128:128",
                     "--point", "256:128")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [line.split() for line in done.stdout.splitlines()]
        self.assertEqual([line[:2] for line in lines], [["64", "128"], ["128", "128"], ["256", "128"]])
        for phase in (2, 3):
            at_64, at_128, at_256 = (float(line[phase]) for line in lines)
            self.assertLess(at_64, at_128)
            self.assertLess(at_256, 1.06 * at_128)

    def test_what_is_wrong_is_said(self):
        self.assertNotEqual(times().returncode, 0)
        done = times(PROGRAM, "--fabric", "nowhere", "--point", "8:1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("8 ranks, 1 tokens", done.stderr)
        self.assertIn("nowhere", done.stderr)
        self.assertIn("no-program: No such file", times("no-program", "--point", "8:1").stderr)
        self.assertIn("RANKS:TOKENS", times(PROGRAM, "--fabric", "ideal", "--point", "8").stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
