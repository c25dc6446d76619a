"""tools/calibrate against an evaluator whose parameters are known."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

CALIBRATE = pathlib.Path(__file__).resolve().parents[2] / "tools/calibrate"

# dispatch = entry + sync * log2(ranks) + tokens * issue; combine = entry + tokens * issue * 2.
EVALUATOR = """
import math, sys
arguments = sys.argv[1:]
fields = {"/software/entry": 10.0, "/software/sync": 5.0, "/software/issue": 0.5, "/software/idle": 1}
for i, argument in enumerate(arguments):
    if argument == "--set":
        field, value = arguments[i + 1].split("=")
        fields[field] = float(value)
entry, sync, issue = (fields["/software/" + name] for name in ("entry", "sync", "issue"))
print("# a comment")
for i, argument in enumerate(arguments):
    if argument == "--point":
        ranks, tokens = map(int, arguments[i + 1].split(":"))
        print(ranks, tokens, entry + sync * math.log2(ranks) + tokens * issue,
              entry + tokens * issue * 2)
"""


def truth(ranks, tokens, entry, sync, issue):
    return {"ranks": ranks, "tokens": tokens,
            "dispatch_us": entry + sync * (ranks.bit_length() - 1) + tokens * issue,
            "combine_us": entry + tokens * issue * 2}


class CalibrateTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.evaluator = self.folder / "evaluator.py"
        self.evaluator.write_text(EVALUATOR)

    def plan(self, points, **bounds):
        profile = {"software": {"entry": 10, "sync": 5, "issue": 0.5, "idle": 1},
                   "calibration": {"points": points}}
        (self.folder / "profile.json").write_text(json.dumps(profile))
        parameters = [{"field": f"/software/{name}", "source": f"source of {name}",
                       "estimate": estimate, "lowest": low, "highest": high}
                      for name, (estimate, low, high) in bounds.items()]
        parameters.append({"field": "/software/idle", "source": "known", "whole": True})
        plan = {"profile": "profile.json", "arguments": [], "parameters": parameters}
        (self.folder / "plan.json").write_text(json.dumps(plan))
        return self.folder / "plan.json"

    def run_it(self, plan, *more, evaluator=None):
        command = evaluator or f"{sys.executable} -I -S {self.evaluator}"
        return subprocess.run([sys.executable, "-B", str(CALIBRATE), str(plan), "--evaluator", command,
                               *more], capture_output=True, text=True)

    def fitted(self, output):
        return {field: float(value) for field, value in
                re.findall(r"^  /software/(\w+) = (\S+) ", output, re.MULTILINE)}

    def test_finds_what_made_the_points(self):
        points = [truth(r, t, 12, 3, 0.8) for r, t in ((8, 128), (32, 1), (128, 64), (64, 128))]
        run = self.run_it(self.plan(points, entry=(10, 1, 50), sync=(5, 1, 20), issue=(0.5, 0.1, 5)))
        self.assertEqual(run.returncode, 0, run.stderr)
        found = self.fitted(run.stdout)
        self.assertAlmostEqual(found["entry"], 12, delta=0.25)
        self.assertAlmostEqual(found["sync"], 3, delta=0.15)
        self.assertAlmostEqual(found["issue"], 0.8, delta=0.01)
        self.assertLess(float(re.search(r"^largest error: (\S+) %", run.stdout, re.M)[1]), 0.6)
        self.assertLess(float(re.search(r"left out: (\S+) %$", run.stdout, re.M)[1]), 5)
        self.assertNotIn("unexplained", run.stdout)
        self.assertRegex(run.stdout, r"idle +1 +sourced +\+0.00 % +\+0.00 % +known")

    def test_names_what_physics_does_not_explain(self):
        points = [truth(r, 128, 10, 20, 0.5) for r in (8, 32, 128)]
        run = self.run_it(self.plan(points, entry=(10, 1, 50), sync=(5, 1, 60)))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertRegex(run.stdout, r"(?m)^unexplained_sync +(19|20)\S* +5 +fitted")
        self.assertRegex(run.stdout, r"(?m)^entry ")

    def test_stays_within_the_bounds(self):
        points = [truth(r, 128, 10, 20, 0.5) for r in (8, 32, 128)]
        run = self.run_it(self.plan(points, entry=(10, 8, 12), sync=(5, 1, 7)))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.fitted(run.stdout), {"entry": 12, "sync": 7})

    # Times that are linear in the number of ranks fit no logarithm: what is left out shows it.
    def test_reports_what_it_cannot_predict(self):
        points = [{"ranks": r, "tokens": 128, "dispatch_us": 74 + r, "combine_us": 138}
                  for r in (8, 32, 128)]
        run = self.run_it(self.plan(points, sync=(5, 1, 60)))
        errors = re.findall(r"^ +(\d+) ranks .*dispatch +(\S+) %", run.stdout, re.MULTILINE)
        self.assertEqual([ranks for ranks, _ in errors], ["8", "32", "128"])
        self.assertLess(float(errors[2][1]), -20)

    def test_as_is_fits_nothing(self):
        run = self.run_it(self.plan([truth(8, 128, 10, 5, 0.5)], sync=(5, 1, 60)), "--as-is")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("largest error: 0.0 %", run.stdout)
        self.assertNotIn("fitted", run.stdout)

    def test_says_what_is_wrong(self):
        points = [truth(8, 128, 10, 5, 0.5)]
        for run, sentence in (
                (self.run_it(self.folder / "none.json"), "none.json: no plan: FileNotFound"),
                (self.run_it(self.plan(points, sync=(5, 6, 60))),
                 "/software/sync: expected 0 < lowest <= estimate <= highest"),
                (self.run_it(self.plan(points)), "no parameter has bounds")):
            self.assertNotEqual(run.returncode, 0)
            self.assertIn(sentence, run.stderr)
            self.assertNotIn("Traceback", run.stderr)
        good = self.plan(points, sync=(5, 1, 60))
        for command, sentence in (("/nowhere/evaluator", "No such file"), ("false", "exit code 1"),
                                  ("sh -c 'echo nonsense'", "lines of four numbers"),
                                  ("sh -c 'echo 9 9 1 1'", "a time for each point")):
            run = self.run_it(good, evaluator=command)
            self.assertNotEqual(run.returncode, 0)
            self.assertIn(sentence, run.stderr)

    def test_says_that_the_report_cannot_be_written(self):
        plan = self.plan([truth(8, 128, 20.0, 3.0, 0.25)], entry=(10, 5, 40))
        with open("/dev/full", "w", encoding="utf-8") as full:
            command = [sys.executable, "-B", str(CALIBRATE), str(plan), "--as-is",
                       "--evaluator", f"{sys.executable} -I -S {self.evaluator}"]
            run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(run.returncode, 1)
        self.assertEqual(run.stderr, "calibrate: writing the report: No space left on device\n")


if __name__ == "__main__":
    unittest.main()
