"""Runs tutti-perf on simulated fabrics: fabric_test.py TUTTI_PERF [TEST...]."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = ""

OPS = ["all_reduce", "broadcast", "reduce", "all_gather", "reduce_scatter", "all_to_all",
       "all_to_allv", "all_gatherv", "reduce_scatterv", "gather", "scatter", "sendrecv", "barrier",
       "moe"]
FACTS = {"per", "level", "timing_only", "settings", "arrivals_digest", "payload_digest", "end_us", "bound_us",
         "transfers", "bytes", "events", "events_per_second", "wall_s", "peak_resident_bytes"}
# What differs from run to run.
WALL = ("events_per_second", "wall_s", "peak_resident_bytes")
SMALL = ["-b", "8", "-e", "8K", "-f", "32"]
SMALL_MOE = ["--tokens", "5", "--hidden", "96", "--experts", "7", "--topk", "3"]

# Published for CloudMatrix384 between NPUs, per die (arXiv 2506.12708): us of 512 B, GB/s.
POINT_TO_POINT = {("view", "same_node"): (1.2, 167), ("view", "other_node"): (1.9, 164),
                  ("put", "same_node"): (1.3, 137), ("put", "other_node"): (2.1, 135)}


def run(*words):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=250)


class Fabric(unittest.TestCase):
    def report_of(self, *words):
        done = run(*words, "-J", "-")
        self.assertEqual(done.returncode, 0, f"{words}\n{done.stdout}\n{done.stderr}")
        report = json.loads(done.stdout)
        self.assertEqual(set(report["simulation"]), FACTS)
        self.assertEqual([report["clock"], report["transport"], report["rank_kind"]],
                         ["virtual", "ub", "fibre"])
        self.assertEqual(report["digest"], report["simulation"]["arrivals_digest"])
        self.assertTrue(report["rows"])
        verified = "--timing-only" not in words and "-c" not in words
        for row in report["rows"]:
            self.assertEqual(row["wrong"], 0 if verified else None, row)
            self.assertLessEqual(row["time_us"]["rank_mean"], row["time_us"]["max"] + 1e-9)
        return report

    def refused(self, *words):
        done = run(*words, "-J", "-")
        self.assertEqual(done.returncode, 1, done.stdout)
        return json.loads(done.stdout)["error"]["message"]

    def test_every_operation_is_right_and_not_below_its_bound(self):
        for fabric in ("cloudmatrix384", "h800-ib"):
            for more in ([], ["--buffers", "plain", "--mode", "throughput", "-r", "2"]):
                with self.subTest(fabric=fabric, more=more):
                    report = self.report_of("all", "--fabric", fabric, "--ranks", "19", *SMALL,
                                            *SMALL_MOE, *more)
                    self.assertEqual(list(dict.fromkeys(row["op"] for row in report["rows"])), OPS)
                    for row in report["rows"]:
                        self.assertLess(0, row["bound_us"], row)
                        if not more:
                            self.assertLessEqual(row["bound_us"], row["time_us"]["min"], row)

    def test_every_run_is_the_same(self):
        def facts(*more):
            report = self.report_of("moe", "--fabric", "cloudmatrix384", "--ranks", "18", *SMALL_MOE, *more)
            simulation = {k: v for k, v in report["simulation"].items() if k not in WALL}
            return report["rows"], simulation
        self.assertEqual(facts(), facts())
        rows, simulation = facts()
        other_rows, other = facts("--level", "cell", "--cell-bytes", "512", "--reorder-seed", "3")
        self.assertNotEqual(rows, other_rows)
        self.assertNotEqual(simulation["arrivals_digest"], other["arrivals_digest"])
        self.assertEqual(simulation["payload_digest"], other["payload_digest"])

    def test_looking_for_races_finds_none_and_changes_nothing(self):
        def facts(*more):
            report = self.report_of("all", "--fabric", "cloudmatrix384", "--ranks", "6", *SMALL, *SMALL_MOE, *more)
            simulation = {k: v for k, v in report["simulation"].items() if k not in WALL}
            return report["rows"], simulation
        self.assertEqual(facts("--check-races"), facts())
        refused = run("p2p", "--fabric", "cloudmatrix384", "--check-races")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("--check-races: p2p", refused.stderr)

    def test_jitter_is_a_matter_of_its_seed(self):
        def digest(*more):
            return self.report_of("all_reduce", "--fabric", "cloudmatrix384", "--ranks", "6", *SMALL, *more)["digest"]
        plain = digest()
        self.assertEqual(digest("--jitter", "0", "--jitter-seed", "5"), plain)
        jittered = digest("--jitter", "20")
        self.assertNotEqual(jittered, plain)
        self.assertEqual(digest("--jitter", "20", "--jitter-seed", "1"), jittered)
        self.assertEqual(digest("--set", "jitter_percent=20"), jittered)
        self.assertNotEqual(digest("--jitter", "20", "--jitter-seed", "2"), jittered)
        self.assertEqual(digest("--set", "jitter_percent=20", "--jitter", "0"), plain)

    def test_pairs_are_simulated_as_everything_is(self):
        def digest(*more):
            return self.report_of("p2p", "--fabric", "cloudmatrix384", "--op", "put", "-b", "64K", *more)["digest"]
        plain = digest()
        self.assertNotEqual(digest("--set", "other_node/write/latency_ns=999"), plain)
        self.assertNotEqual(digest("--level", "cell", "--cell-bytes", "512"), plain)
        self.assertEqual(digest("--reorder-seed", "0"), plain)

    def test_help_tells_every_option_of_a_fabric(self):
        text = run("--help").stdout
        for option in ("--fabric", "--per", "--nodes", "--level", "--cell-bytes", "--set", "--reorder-seed", "--jitter",
                       "--jitter-seed", "--timing-only", "--trace"):
            self.assertRegex(text, rf"{option}\b")

    def test_times_without_payload_are_those_with_it(self):
        def facts(op, *more):
            report = self.report_of(op, "--fabric", "cloudmatrix384", "--ranks", "18", "-c", "0", *SMALL,
                                    *SMALL_MOE, *more)
            self.assertEqual(report["simulation"]["timing_only"], "--timing-only" in more)
            simulation = {k: v for k, v in report["simulation"].items()
                          if k not in (*WALL, "payload_digest", "timing_only")}
            return report["rows"], simulation, report["simulation"]["payload_digest"]
        for op in OPS:
            rows, simulation, digest = facts(op)
            timed_rows, timed, no_digest = facts(op, "--timing-only")
            self.assertEqual(timed_rows, rows)
            self.assertEqual(timed, simulation)
            self.assertIsNotNone(digest)
            self.assertIsNone(no_digest)

    def test_payload_that_is_not_there_may_be_huge_and_is_not_verified(self):
        huge = ("all_gather", "--fabric", "cloudmatrix384", "--ranks", "300", "-b", "16G", "-n", "1", "-w", "0")
        report = self.report_of(*huge, "--timing-only")
        self.assertLess(report["simulation"]["peak_resident_bytes"], 4 << 30)
        self.assertIn("need about", self.refused(*huge))
        # More ranks than the fabric has is what is wrong, however much they need.
        crowd = ["all_reduce", "--fabric", "cloudmatrix384", "--ranks", "4000", "-e", "8G"]
        self.assertIn("1 to 768 ranks, not 4000", self.refused(*crowd))
        for words, sentence in ((["--timing-only", "-c", "1"], "no data to verify"),
                                (["--timing-only", "--buffers", "plain"], "tuttiMemAlloc")):
            done = run(*huge, *words)
            self.assertEqual(done.returncode, 2)
            self.assertIn(sentence, done.stderr)
        self.assertIn("--fabric", run("barrier", "--ranks", "2", "--timing-only").stderr)

    def test_settings_nodes_and_what_a_rank_is_decide_the_time(self):
        def time(*more):
            report = self.report_of("all_gather", "--fabric", "cloudmatrix384-wire", "--ranks", "8", "-b",
                                    "8M", "-n", "1", *more)
            return report["rows"][0]["time_us"]["p50"]
        dies = time("--per", "die")
        self.assertLess(time("--per", "package"), dies)
        self.assertGreater(time("--per", "die", "--set", "bus/link_GBps=14"), 1.2 * dies)
        self.assertEqual(time("--per", "die", "--nodes", "5"), dies)

    def test_point_to_point_is_as_published(self):
        report = self.report_of("p2p", "--fabric", "cloudmatrix384", "--per", "die", "-b", "512", "-e", "64M",
                                "-f", str(64 * 1024 * 2))
        self.assertEqual(report["ranks"], 17)
        found = {(row["op"], row["phase"], row["bytes"]): row for row in report["rows"]}
        self.assertEqual(len(found), 2 * 3 * 2)
        for (op, hop), (us, gbps) in POINT_TO_POINT.items():
            latency = found[op, hop, 512]["time_us"]["p50"]
            bandwidth = found[op, hop, 64 << 20]["algbw_GBps"]
            self.assertLess(abs(latency / us - 1), 0.03, (op, hop, latency))
            self.assertLess(abs(bandwidth / gbps - 1), 0.03, (op, hop, bandwidth))

    def test_point_to_point_of_one_operation_and_a_table(self):
        done = run("p2p", "--fabric", "h800-ib", "--op", "view", "-b", "4K")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [line.split() for line in done.stdout.splitlines() if not line.startswith("#")]
        self.assertEqual([line[:3] for line in lines],
                         [["view", "same_node", "4096"], ["view", "other_node", "4096"]])

    def test_the_table_ends_with_what_the_run_was_like(self):
        done = run("barrier", "--fabric", "cloudmatrix384", "--ranks", "4")
        self.assertEqual(done.returncode, 0, done.stderr)
        for words in ("Arrivals digest", "Payload digest", "a wall second", "Wall time", "Peak memory"):
            self.assertIn(words, done.stdout)

    def test_a_trace_has_the_critical_path_of_every_iteration(self):
        words = ["moe", "--fabric", "cloudmatrix384", "--ranks", "18", *SMALL_MOE]
        plain = self.report_of(*words)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "trace.json")
            report = self.report_of(*words, "--trace", path)
            with open(path, encoding="utf-8") as file:
                trace = json.load(file)
        self.assertEqual(report["digest"], plain["digest"])
        self.assertTrue(trace["traceEvents"])
        paths = trace["tutti"]["paths"]
        for one in paths:
            self.assertEqual(sum(one["parts_ps"].values()), one["end_ps"] - one["begin_ps"])
        for phase, row in enumerate(report["rows"]):
            of_phase = [one for one in paths if one["name"] == f"phase {phase}"]
            self.assertEqual(len(of_phase), row["iters"])
            longest = max(one["end_ps"] - one["begin_ps"] for one in of_phase)
            self.assertAlmostEqual(longest / 1e6, row["time_us"]["max"], places=4)
            self.assertTrue(all(one["parts_ps"]["entry"] > 0 for one in of_phase))

    def test_a_trace_of_pairs_and_one_that_cannot_be_made(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "trace.json")
            self.report_of("p2p", "--fabric", "cloudmatrix384", "-b", "4K", "--trace", path)
            with open(path, encoding="utf-8") as file:
                self.assertEqual(json.load(file)["tutti"]["paths"][0]["name"], "run")
        nowhere = "/no/such/folder/trace.json"
        for words in (["barrier", "--ranks", "2"], ["p2p", "-b", "4K"]):
            self.assertIn(nowhere, self.refused(*words, "--fabric", "cloudmatrix384", "--trace", nowhere))

    def test_what_is_not_there_is_named(self):
        self.assertIn("nowhere", self.refused("barrier", "--fabric", "nowhere", "--ranks", "2"))
        self.assertIn("769", self.refused("barrier", "--fabric", "cloudmatrix384", "--ranks", "769"))
        self.assertIn("with planes=0", self.refused("barrier", "--fabric", "cloudmatrix384", "--ranks", "2",
                                                    "--set", "planes=0"))
        self.assertIn("rack", self.refused("p2p", "--fabric", "cloudmatrix384", "--per", "rack"))
        self.assertIn("there are only", run("broadcast", "--fabric", "ideal", "--ranks", "2", "-r", "2").stderr)

    def test_a_wrong_routing_file_is_no_defect_of_the_library(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("0 1 7\n")
            file.flush()
            message = self.refused("moe", "--fabric", "ideal", "--ranks", "3", *SMALL_MOE, "--routing",
                                   f"file:{file.name}")
        self.assertTrue(message.startswith("rank 0: '"), message)
        self.assertIn("line 1: expert 7", message)

    def test_an_algorithm_is_used_or_refused(self):
        report = self.report_of("all_reduce", "--fabric", "ideal", "--ranks", "3", "-b", "64", "--algorithm",
                                "two_shot")
        self.assertEqual({row["algorithm"] for row in report["rows"]}, {"two_shot"})
        self.assertIn("magic", self.refused("all_reduce", "--fabric", "ideal", "--ranks", "3", "-b", "64",
                                            "--algorithm", "magic"))

    def test_ranks_that_cannot_begin_together_do_not_pretend(self):
        far = ["broadcast", "--fabric", "cloudmatrix384-wire", "--ranks", "9", "-b", "8", "-e", "8",
               "--set", "other_node/write/latency_ns=3000000"]
        self.assertIn("cannot begin together", self.refused(*far))
        self.report_of(*far, "--mode", "throughput")

    def test_more_than_this_machine_has_is_refused_with_the_number(self):
        message = self.refused("all_reduce", "--fabric", "cloudmatrix384", "--ranks", "768", "-b", "64G")
        self.assertIn("768 ranks need about 147", message)

    def test_a_node_that_fails_ends_the_run_with_a_report(self):
        profile = json.loads(run_profile())
        profile["faults"] = {"source": "a test", "events": [{"kind": "node", "at_ns": 0, "node": 0}]}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(profile, file)
            file.flush()
            message = self.refused("all_reduce", "--fabric", file.name, "--ranks", "17", "-b", "64")
        self.assertIn("node failed", message)


def run_profile():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "../../transports/ub/profiles/cloudmatrix384.json")) as file:
        return file.read()


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
