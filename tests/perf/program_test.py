"""Runs tutti-perf on tiny sizes and checks its reports: program_test.py TUTTI_PERF TUTTI_RUN [TEST...].

Every run verifies its data; times are looked at for order (min <= p50 <= max), never for size.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = ""
LAUNCHER = ""

TOP = {"schema", "tutti", "commit", "op", "ranks", "rank_kind", "transport", "fabric", "clock",
       "digest", "machine", "startup_ms", "peak_bytes", "error", "rows"}
ROW = {"bytes", "per_peer_bytes", "count", "type", "redop", "buffers", "placement", "mode",
       "phase", "moe", "algorithm", "iters", "batch", "oversubscribed", "bound_us", "time_us",
       "algbw_GBps", "busbw_GBps", "wrong"}
MOE = {"tokens", "hidden", "topk", "experts", "layout", "rows_per", "dispatch_type",
       "combine_type", "routing", "seed", "rows_sent", "logical_bytes", "wire_bytes"}
OPS = ["all_reduce", "broadcast", "reduce", "all_gather", "reduce_scatter", "all_to_all",
       "all_to_allv", "all_gatherv", "reduce_scatterv", "gather", "scatter", "sendrecv", "barrier",
       "moe"]
QUICK = ["-n", "2", "-w", "1"]
SMALL = ["-b", "8", "-e", "8K", "-f", "32"]
SMALL_MOE = ["--tokens", "5", "--hidden", "96", "--experts", "7", "--topk", "3"]


def run(*words, timeout=120):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=timeout)


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


class Program(unittest.TestCase):
    def report_of(self, *words):
        done = run(*words, *QUICK, "-J", "-")
        self.assertEqual(done.returncode, 0, f"{words}\n{done.stdout}\n{done.stderr}")
        report = json.loads(done.stdout)
        self.check_report(report)
        for row in report["rows"]:
            self.assertEqual(row["wrong"], 0, row)
        return report

    def check_report(self, report):
        self.assertEqual(set(report), TOP)
        self.assertEqual(report["schema"], 1)
        self.assertGreater(report["startup_ms"], 0)
        for row in report["rows"]:
            self.assertEqual(set(row) - {"op"}, ROW)
            times = row["time_us"]
            self.assertEqual(set(times), {"min", "p50", "avg", "p99", "max", "rank_mean"})
            self.assertLessEqual(0, times["min"])
            self.assertLessEqual(times["min"], times["p50"])
            self.assertLessEqual(times["p50"], times["p99"])
            self.assertLessEqual(times["p99"], times["max"])
            self.assertGreaterEqual(row["batch"], 1)
            if row["phase"] is not None:
                self.assertEqual(set(row["moe"]), MOE)

    def test_every_operation_is_right_on_one_two_and_three_processes(self):
        for ranks in (1, 2, 3):
            with self.subTest(ranks=ranks):
                report = self.report_of("all", "--ranks", str(ranks), *SMALL, *SMALL_MOE)
                self.assertEqual([report["ranks"], report["rank_kind"]], [ranks, "process"])
                self.assertEqual(list(dict.fromkeys(row["op"] for row in report["rows"])), OPS)

    def test_every_operation_is_right_on_threads_and_plain_buffers(self):
        report = self.report_of("all", "--ranks", "3", "--threads", "--buffers", "plain", "-r", "2",
                                *SMALL, *SMALL_MOE)
        self.assertEqual(report["rank_kind"], "thread")
        self.assertEqual({row["buffers"] for row in report["rows"]}, {"plain"})

    def test_plain_buffers_between_processes(self):
        self.report_of("all", "--ranks", "2", "--buffers", "plain", *SMALL, *SMALL_MOE)

    def test_every_type_and_operator_reduces_right(self):
        for op in ("all_reduce", "reduce_scatter"):
            report = self.report_of(op, "--ranks", "3", "-d", "all", "-o", "all", "-b", "999",
                                    "-e", "999")
            self.assertEqual(len(report["rows"]), 12 * 5 * 2)

    def test_rows_say_what_was_measured(self):
        report = self.report_of("all_to_all", "--ranks", "2", "-b", "64", "-e", "64", "-d", "int32",
                                "--mode", "latency")
        out, back = report["rows"]
        self.assertEqual([out["bytes"], out["per_peer_bytes"], out["count"]], [64, 32, 8])
        self.assertEqual([out["type"], out["redop"], out["mode"]], ["int32", None, "latency"])
        self.assertEqual([out["placement"], back["placement"]], ["out", "in"])
        self.assertEqual(out["iters"], 2)

    def test_an_algorithm_is_used_or_refused(self):
        report = self.report_of("all_reduce", "--ranks", "2", "-b", "64", "--algorithm", "two_shot")
        self.assertEqual({row["algorithm"] for row in report["rows"]}, {"two_shot"})
        for op, name in (("all_to_all", "two_shot"), ("all_reduce", "magic")):
            done = run(op, "--ranks", "2", "-b", "64", "--algorithm", name, *QUICK, "-J", "-")
            self.assertEqual(done.returncode, 1)
            self.assertIn(name, json.loads(done.stdout)["error"]["message"])

    def test_messages_and_moe_say_how_they_went(self):
        for op, buffers, way in (("sendrecv", "symmetric", "in_place"), ("sendrecv", "plain", "staged"),
                                 ("moe", "symmetric", "in_place"), ("moe", "plain", "staged")):
            sizes = SMALL_MOE if op == "moe" else ["-b", "4096"]
            report = self.report_of(op, "--ranks", "2", "--buffers", buffers, *sizes)
            self.assertEqual({row["algorithm"] for row in report["rows"]}, {way}, (op, buffers))

    def test_a_table_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, "all_reduce", "--ranks", "2", "-b", "8", *QUICK], stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write the table to standard output: No space left", done.stderr)

    def test_it_joins_a_launchers_world(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "report.json")
            done = subprocess.run([LAUNCHER, "-n", "3", "--", PROGRAM, "all_gather", "-b", "96", *QUICK, "-J",
                                   path], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(path) as file:
                report = json.load(file)
        self.check_report(report)
        self.assertEqual([report["ranks"], report["error"]], [3, None])
        self.assertEqual([row["wrong"] for row in report["rows"]], [0, 0])

    def test_without_ranks_and_launcher_it_says_so(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TUTTI_")}
        done = subprocess.run([PROGRAM, "all_reduce", "-b", "8", "-J", "-"], capture_output=True, text=True,
                              timeout=60, env=environment)
        self.assertEqual(done.returncode, 1)
        self.assertIn("launcher", json.loads(done.stdout)["error"]["message"])

    def test_unchecked_data_is_reported_as_such(self):
        done = run("all_reduce", "--ranks", "2", "-b", "8", "-e", "8", "-c", "0", *QUICK, "-J", "-")
        self.assertEqual([row["wrong"] for row in json.loads(done.stdout)["rows"]], [None, None])

    def test_moe_is_right_in_every_layout_and_type(self):
        for layout in ("token", "expert"):
            for rows_per in ("rank", "lane"):
                for dispatch, combine in (("bf16", "bf16"), ("fp32", "fp32"), ("int8", "bf16"),
                                          ("fp8", "fp32")):
                    with self.subTest(layout=layout, rows_per=rows_per, dispatch=dispatch):
                        report = self.report_of(
                            "moe", "--ranks", "2", *SMALL_MOE, "--layout", layout, "--rows-per",
                            rows_per, "--dispatch-type", dispatch, "--combine-type", combine)
                        self.assertEqual([row["phase"] for row in report["rows"]],
                                         ["dispatch", "combine"])

    def test_moe_is_right_for_every_routing(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("0 1 6\n-1 3 2\n-1 -1 -1\n")
            file.flush()
            for routing in ("uniform", "zipf:1.1", "hot:0.9", f"file:{file.name}"):
                for tokens in ("0", "5"):
                    self.report_of("moe", "--ranks", "3", *SMALL_MOE, "--tokens", tokens,
                                   "--routing", routing)

    def test_moe_counts_what_travels(self):
        report = self.report_of("moe", "--ranks", "2", "--tokens", "4", "--hidden", "8",
                                "--experts", "2", "--topk", "2")
        moe = report["rows"][0]["moe"]
        self.assertEqual([moe["rows_sent"], moe["logical_bytes"], moe["wire_bytes"]],
                         [16, 256, 128])

    def test_wrong_options_end_with_two_and_a_sentence(self):
        for words in (["all_redcue"], ["all_reduce", "-b", "x"], ["moe", "--layout", "row"], []):
            done = run(*words)
            self.assertEqual([done.returncode, done.stdout], [2, ""], words)
            self.assertTrue(done.stderr.startswith("tutti-perf: "), done.stderr)

    def test_a_wrong_routing_file_fails_with_a_report(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("0 1 7\n")
            file.flush()
            done = run("moe", "--ranks", "2", *SMALL_MOE, "--routing", f"file:{file.name}", "-J",
                       "-")
        self.assertEqual(done.returncode, 1)
        self.assertIn("line 1: expert 7", json.loads(done.stdout)["error"]["message"])

    def test_a_killed_rank_is_named_in_the_report(self):
        with subprocess.Popen([PROGRAM, "all_reduce", "--ranks", "3", "-b", "1M", "-e", "1M", "-n",
                               "1000000", "-J", "-"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as program:
            deadline = time.monotonic() + 30
            while len(children_of(program.pid)) < 3 and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(1)
            ranks = children_of(program.pid)
            os.kill(ranks[1], signal.SIGKILL)
            out, _ = program.communicate(timeout=60)
            for pid in ranks:
                self.assertFalse(os.path.exists(f"/proc/{pid}"), "a rank stayed")
        self.assertEqual(program.returncode, 1)
        error = json.loads(out)["error"]
        self.assertEqual(error["culprits"], [1])
        self.assertIn("signal 9", error["message"])


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    LAUNCHER = os.path.abspath(sys.argv.pop(1))
    unittest.main()
