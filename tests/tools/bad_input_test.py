"""What is wrong with a fabric or a number of ranks is named by every program that simulates, at once and
with an exit code: bad_input_test.py TUTTI_PERF TUTTI_RUN TUTTI_SIM FABRIC_PROGRAM
TUTTI_SELECTION [TEST...]."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

PERF = RUN = SIM = WORK = SELECTION = ""
PROFILE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "../../transports/ub/profiles/cloudmatrix384.json")

# Options beside --fabric cloudmatrix384 and two ranks, where they say nothing else; words of the answer.
WRONG = {
    "unknown profile": (["--fabric", "nowhere"], ["nowhere"]),
    "profile that is a folder": (["--fabric", "/"], ["/"]),
    "no rank": (["RANKS", "0"], ["0 not in range 1"]),
    "fewer than no rank": (["RANKS", "-3"], ["-3 not in range 1"]),
    "ranks that are no number": (["RANKS", "two"], ["two"]),
    "more ranks than the fabric has": (["RANKS", "769"], ["768", "769"]),
    "more ranks than the nodes have": (["RANKS", "33", "--nodes", "0,5"], ["32", "33"]),
    "a node that the fabric has not": (["--nodes", "48"], ["48"]),
    "a node twice": (["--nodes", "1,1"], ["1"]),
    "a rank that is no unit": (["--per", "rack"], ["rack"]),
    "negative bandwidth of a link": (["--set", "bus/link_GBps=-28"], ["/networks/1/link_GBps", "-28"]),
    "negative bandwidth of a path": (["--set", "other_node/read/bandwidth_GBps=-1"],
                                     ["/hops/3/read/bandwidth_GBps", "-1"]),
    "no bandwidth": (["--set", "bus/link_GBps=0"], ["/networks/1/link_GBps", "above 0"]),
    "negative latency": (["--set", "same_node/write/latency_ns=-5"], ["/hops/2/write/latency_ns", "-5"]),
    "cyclic topology": (["--set", "node/inside=die"], ["/topology/levels", "cyclic", "die"]),
    "disconnected topology": (["--set", "node/inside=hall"], ["/topology/levels", "disconnected", "hall"]),
    "an unknown field": (["--set", "warp_factor=9"], ["warp_factor"]),
    "jitter of more than all": (["--jitter", "101"], ["--jitter", "101"]),
}


def run(program, *words):
    """Exit code, and all that the program says. It has 30 seconds."""
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


def with_defaults(words, ranks_option):
    words = [ranks_option if word == "RANKS" else word for word in words]
    for option, value in (("--fabric", "cloudmatrix384"), (ranks_option, "2")):
        if option not in words:
            words += [option, value]
    return words


class BadInput(unittest.TestCase):
    def check(self, what, names, code, said):
        self.assertIn(code, (1, 2), f"{what}: {code}\n{said}")
        for name in names:
            self.assertIn(name, said, what)

    def test_is_named_by_tutti_perf(self):
        for what, (words, names) in WRONG.items():
            with self.subTest(what):
                self.check(what, names, *run(PERF, "all_reduce", "-b", "64", *with_defaults(words, "--ranks")))

    def test_is_named_for_a_pair_of_ranks(self):
        for what, (words, names) in WRONG.items():
            with self.subTest(what):
                self.check(what, names, *run(PERF, "p2p", "-b", "64", *with_defaults(words, "--ranks")))

    def test_is_named_by_tutti_sim(self):
        for what, (words, names) in WRONG.items():
            with self.subTest(what):
                question = [] if "--set" in words else ["--set", "planes=6"]
                self.check(what, names,
                           *run(SIM, "what-if", "barrier", *with_defaults(words, "--ranks"), *question))

    def test_of_a_contest_is_named_by_tutti_selection(self):
        for words, names in ((["--ops", "nonsense"], ["--ops", "nonsense"]),
                             (["--groups", "3"], ["--groups", "groups of 3"]),
                             (["--fabric", "nowhere"], ["nowhere"]),
                             (["-b", "64", "-e", "8"], ["-b 64", "-e 8"]),
                             (["-b", "many"], ["many"]),
                             (["--most-bytes", "10"], ["--most-bytes"]),
                             (["--ops", "gather", "-e", "8", "-J", "/dev/full"], ["/dev/full"])):
            with self.subTest(words):
                self.check(" ".join(words), names, *run(SELECTION, "--ranks", "4", *words))
        with open("/dev/full", "w") as full:
            done = subprocess.run([SELECTION, "--ranks", "4", "--ops", "gather", "-e", "8"], stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=30)
        self.check("full disk", ["standard output"], done.returncode, done.stderr)

    def test_is_named_by_tutti_run_before_any_rank_runs(self):
        for what, (words, names) in WRONG.items():
            with self.subTest(what):
                code, said = run(RUN, *with_defaults(words, "-n"), "/bin/echo", "a rank ran")
                self.check(what, names, code, said)
                self.assertNotIn("a rank ran", said, what)

    def test_wrong_topologies_of_a_file_name_the_file(self):
        with open(PROFILE, encoding="utf-8") as file:
            profile = json.loads(re.sub(r"^\s*//.*$", "", file.read(), flags=re.MULTILINE))
        levels, hops = profile["topology"]["levels"], profile["hops"]
        # All levels inside others; two that are inside none; no way out of the node.
        cycle = [dict(level) for level in levels]
        cycle[-1].update(inside=levels[0]["name"], count=2)
        islands = [dict(level) for level in levels]
        del islands[2]["inside"], islands[2]["count"]
        wrong = ((profile | {"topology": profile["topology"] | {"levels": cycle}}, "cyclic"),
                 (profile | {"topology": profile["topology"] | {"levels": islands}}, "disconnected"),
                 (profile | {"hops": hops[:3]}, "disconnected"))
        for document, word in wrong:
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                json.dump(document, file)
                file.flush()
                for words in ([PERF, "barrier", "--ranks", "2", "--fabric", file.name],
                              [RUN, "-n", "2", "--fabric", file.name, "/bin/echo"],
                              [SIM, "what-if", "barrier", "--ranks", "2", "--fabric", file.name, "--set", "planes=6"]):
                    self.check(word, [os.path.basename(file.name), word], *run(*words))

    def test_ranks_that_wait_for_each_other_or_leave_are_named(self):
        for words, names in ((["miss", "1"], ["all ranks wait for each other", "rank 1"]),
                             (["leave", "1"], ["rank 1", "died"]), (["die", "2"], ["rank 2", "died"])):
            code, said = run(RUN, "--fabric", "cloudmatrix384", "-n", "3", WORK, *words)
            self.assertNotEqual(code, 0, said)
            for name in names:
                self.assertIn(name, said)

    def test_a_rank_that_a_fault_ends_is_named(self):
        code, said = run(PERF, "all_reduce", "-b", "64", "--ranks", "4", "--fabric", "cloudmatrix384", "--set",
                         "fault=rank:at_ns=60000,rank=2")
        self.check("fault", ["rank 2"], code, said)
        code, said = run(SIM, "what-if", "barrier", "--ranks", "4", "--fabric", "cloudmatrix384", "--set",
                         "fault=rank:at_ns=60000,rank=2")
        self.check("fault", ["rank 2", "fault=rank"], code, said)


if __name__ == "__main__":
    PERF, RUN, SIM, WORK, SELECTION = (os.path.abspath(program) for program in sys.argv[1:6])
    unittest.main(argv=[sys.argv[0], *sys.argv[6:]])
