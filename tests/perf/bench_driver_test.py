"""The driver of ./dev bench: what it does with times, failures, hung programs and the page."""
import argparse
import os
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "perf"))
from driver import cases, page, results, runner, table  # noqa: E402

ROW = cases.Row("a row", "all_reduce", ("-b", "8"), target=2.0, raw=("all_reduce", 8))


def measured(*times):
    broken = {"failure": "it broke"}
    return [{"us": time_us, "wrong": 0} if time_us else broken for time_us in times]


def collect(**runs):
    collected = results.Results()
    for name, rounds in runs.items():
        for run in rounds:
            collected.add([ROW], name.replace("_", "-"), [run])
    collected.add_raw({("all_reduce", 8): 1.0})
    return collected


class ResultsTest(unittest.TestCase):
    def test_ratios_are_taken_within_a_round(self):
        collected = collect(tutti=measured(1, 2, None), mpich=measured(4, 6, 100))
        self.assertEqual(collected.ratios(ROW, collected.times(ROW, "mpich")), [4, 3])

    def test_the_best_peer_has_the_least_median(self):
        collected = collect(
            mpich=measured(5, 1, 5), openmpi=measured(4, 4, 4), gloo=measured(None, None)
        )
        self.assertEqual(collected.best_peer(ROW), "openmpi")
        self.assertEqual(collected.failure(ROW, "gloo"), "it broke")

    def test_wrong_data_is_seen(self):
        collected = collect(tutti=[{"us": 1, "wrong": 3}])
        self.assertTrue(collected.any_wrong())
        self.assertIn("WRONG DATA: tutti", table.verdict(ROW, collected))


class TableTest(unittest.TestCase):
    def test_a_target_is_met_or_missed(self):
        peer = measured(4)
        self.assertEqual(table.verdict(ROW, collect(tutti=measured(1.5), mpich=peer)), "met")
        self.assertIn("missed", table.verdict(ROW, collect(tutti=measured(2.1), mpich=peer)))

    def test_less_than_three_fifths_of_the_raw_loop_is_said(self):
        peer = measured(4)
        self.assertEqual(table.verdict(ROW, collect(tutti=measured(1.6), mpich=peer)), "met")
        slow = collect(tutti=measured(1.8), mpich=peer)
        self.assertIn("below 60 % of raw", table.verdict(ROW, slow))

    def test_a_program_that_failed_is_a_cell_that_says_so(self):
        text = table.render([ROW], collect(tutti=measured(None), mpich=measured(4)), [])
        self.assertIn("Tutti: it broke", text)

    def test_a_row_without_any_run_can_be_shown(self):
        self.assertIn("a row", table.render([ROW], results.Results(), []))

    def test_the_phases_of_a_step_come_from_one_run(self):
        dispatch, combine = cases.moe("token", "dispatch", 1), cases.moe("token", "combine", 1)
        self.assertEqual(dispatch.run_key(), combine.run_key())
        self.assertNotEqual(dispatch.run_key(), cases.moe("expert", "dispatch", 1).run_key())

    def test_every_row_has_its_own_name(self):
        self.assertEqual(len({row.name for row in cases.ROWS}), len(cases.ROWS))


class RunnerTest(unittest.TestCase):
    def launcher(self, folder, script):
        path = os.path.join(folder, "program")
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + script)
        os.chmod(path, 0o755)
        return runner.Launcher(folder, folder, "shm")

    def test_a_hung_program_is_ended_with_everything_it_started(self):
        with tempfile.TemporaryDirectory() as folder:
            # A grandchild in a session of its own that ignores SIGTERM, as MPI may leave one.
            stubborn = f"trap \"\" TERM; echo $$ > {folder}/pid; sleep 600; sleep 600"
            script = f"setsid sh -c '{stubborn}' & sleep 600"
            launcher = self.launcher(folder, script)
            with self.assertRaisesRegex(runner.Failure, "no result within"):
                launcher.report([launcher.program("program")], timeout_s=1)
            with open(f"{folder}/pid", encoding="utf-8") as file:
                pid = int(file.read())
            time.sleep(0.1)
            self.assertFalse(os.path.exists(f"/proc/{pid}") and alive(pid))

    def test_a_missing_or_failing_program_is_a_failure_with_its_reason(self):
        with tempfile.TemporaryDirectory() as folder:
            launcher = self.launcher(folder, "echo 'no such thing' >&2; exit 7")
            with self.assertRaisesRegex(runner.Failure, "was not built"):
                launcher.program("absent")
            with self.assertRaisesRegex(runner.Failure, "exit code 7: no such thing"):
                launcher.report([launcher.program("program")], timeout_s=5)

    def test_an_error_in_the_report_is_the_reason(self):
        with tempfile.TemporaryDirectory() as folder:
            launcher = self.launcher(
                folder,
                "echo '{\"error\": {\"message\": \"rank 1 died | pid 7\"}, \"rows\": []}' > $2; exit 1",
            )
            with self.assertRaisesRegex(runner.Failure, "^rank 1 died$"):
                launcher.report([launcher.program("program")], timeout_s=5)


class PageTest(unittest.TestCase):
    def test_text_around_the_block_stays(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "performance.md")
            arguments = argparse.Namespace(rounds=5, load_before=0.1, priority=False,
                                           transport="shm")
            page.write(path, "first table", results.Results(), arguments)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write("By hand, before.\n" + text + "By hand, after.\n")
            page.write(path, "second table", results.Results(), arguments)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            self.assertTrue(text.startswith("By hand, before.\n"))
            self.assertTrue(text.endswith("By hand, after.\n"))
            self.assertIn("second table", text)
            self.assertNotIn("first table", text)


def alive(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0] not in "ZX"


if __name__ == "__main__":
    unittest.main()
