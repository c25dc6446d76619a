"""What bandwidth does to dispatch, combine and every collective, as tutti-perf measures them:
bandwidth_test.py TUTTI_PERF [TEST...]."""
import json
import os
import re
import subprocess
import sys
import unittest

PROGRAM = ""
PROFILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../transports/ub/profiles")
MOE = ["--tokens", "48", "--experts", "64", "--hidden", "2048"]


def doubled(fabric):
    """Settings that give every bandwidth of the profile twice."""
    with open(os.path.join(PROFILES, fabric + ".json"), encoding="utf-8") as file:
        profile = json.loads(re.sub(r"^\s*//.*$", "", file.read(), flags=re.MULTILINE))
    settings = []

    def walk(node, path):
        for name, value in node.items() if isinstance(node, dict) else enumerate(node):
            here = f"{path}/{name}"
            if str(name).endswith("_GBps"):
                inner, value = ("/value", value["value"]) if isinstance(value, dict) else ("", value)
                settings.append(f"{here}{inner}={2 * value}")
            elif isinstance(value, (dict, list)):
                walk(value, here)
    walk({part: profile.get(part, {}) for part in ("networks", "hops", "software")}, "")
    return [word for setting in settings for word in ("--set", setting)]


class Bandwidth(unittest.TestCase):
    def rows(self, *words):
        done = subprocess.run([PROGRAM, *words, "--timing-only", "-n", "1", "-J", "-"], capture_output=True,
                              text=True, timeout=250)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)["rows"]

    def compare(self, fabric, *words):
        once = self.rows(*words, "--fabric", fabric)
        twice = self.rows(*words, "--fabric", fabric, *doubled(fabric))
        self.assertEqual(len(once), len(twice))
        for slow, fast in zip(once, twice):
            what = [slow.get("op"), slow["phase"], slow["bytes"]]
            call = [fabric, words, what, slow["algorithm"], fast["algorithm"]]
            self.assertEqual(what, [fast.get("op"), fast["phase"], fast["bytes"]])
            self.assertLessEqual(fast["time_us"]["max"], 1.01 * slow["time_us"]["max"], call)
            if fast["algorithm"] == slow["algorithm"]:
                self.assertLess(fast["bound_us"], slow["bound_us"], call)
            for row in (slow, fast):
                self.assertLessEqual(row["bound_us"], row["time_us"]["min"], call)
        return once

    def test_twice_of_it_is_never_slower_for_collectives(self):
        for fabric, ranks in (("cloudmatrix384", "13"), ("cloudmatrix384-wire", "32"), ("h800-ib", "24")):
            rows = self.compare(fabric, "all", "--ranks", ranks, "-b", "8", "-e", "4M", "-f", "64", *MOE)
            self.assertGreater(len({row["op"] for row in rows}), 13)

    def test_twice_of_it_is_never_slower_for_dispatch_and_combine(self):
        for fabric in ("cloudmatrix384", "cloudmatrix384-wire", "h800-ib"):
            for ranks, more in (("4", []), ("64", []), ("64", ["--rows-per", "lane"]),
                                ("64", ["--routing", "zipf:1", "--layout", "expert"])):
                rows = self.compare(fabric, "moe", "--ranks", ranks, *MOE, *more)
                self.assertEqual([row["phase"] for row in rows], ["dispatch", "combine"])


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
