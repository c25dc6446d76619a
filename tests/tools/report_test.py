"""Runs tutti-sim report and opens its pages in headless Chromium: report_test.py TUTTI_SIM [TEST...]."""
import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SIM = ""
ALL_REDUCE = ["all_reduce", "-b", "256K", "-c", "0", "--fabric", "cloudmatrix384"]
MOE = ["moe", "--tokens", "16", "--hidden", "256", "--experts", "24", "--topk", "4", "--fabric",
       "cloudmatrix384"]


def report(*words, **options):
    return subprocess.run([SIM, "report", *words], stderr=subprocess.PIPE, text=True, timeout=250,
                          **({"stdout": subprocess.PIPE} | options))


class Dom(html.parser.HTMLParser):
    """The elements of a page that have an id: their attributes, their text, and rows of cells below."""

    def __init__(self, page):
        super().__init__()
        self.attributes, self.texts, self.rows, self.open = {}, {}, {}, []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        name = attrs.get("id")
        if tag in ("meta", "br", "input", "link", "img"):
            return
        self.open.append((tag, name))
        if name:
            self.attributes[name], self.texts[name], self.rows[name] = attrs, "", []
        within = [each for _, each in self.open if each]
        for each in within:
            if tag == "tr":
                self.rows[each].append([])
            elif tag in ("td", "th"):
                self.rows[each][-1].append("")

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, text):
        cell = any(tag in ("td", "th") for tag, _ in self.open)
        for _, name in self.open:
            if name:
                self.texts[name] += text
                if cell and self.rows[name]:
                    self.rows[name][-1][-1] += text


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = shutil.which("chromium")
        if cls.browser is None:
            raise AssertionError("no chromium: ./dev deps installs it (tools/packages.txt)")
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)

    def path(self, name):
        return pathlib.Path(self.folder.name, name)

    def made(self, name, *words):
        done = report(*words, "--out", str(self.path(name)))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"{name}: ", done.stdout)
        page = self.path(name).read_text(encoding="utf-8")
        found = re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
        return json.loads(found[1])

    def opened(self, name, window=0):
        """The page as its script has left it, and what the console says. There is no network."""
        url = self.path(name).as_uri() + f"?window={window}"
        command = [self.browser, "--headless", "--disable-gpu", f"--user-data-dir={self.path('profile')}",
                   "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--v=0",
                   "--window-size=1280,2400", "--virtual-time-budget=20000", "--dump-dom", url]
        if os.geteuid() == 0:
            command.insert(1, "--no-sandbox")
        done = subprocess.run(command, capture_output=True, text=True, timeout=250)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]

    def shown(self, name, window=0):
        page, console = self.opened(name, window)
        self.assertEqual(console, [])
        return Dom(page)

    def check_parts(self, dom, window):
        """What a reader can add up is the total, to the picosecond."""
        rows = dom.rows["parts"]
        self.assertEqual(rows[0][:2], ["Part", "µs"])
        *parts, total = rows[1:]
        picoseconds = [round(float(row[1]) * 1e6) for row in parts]
        self.assertGreater(len(parts), 2)
        self.assertEqual(total[0], "Total")
        self.assertEqual(sum(picoseconds), round(float(total[1]) * 1e6))
        self.assertEqual(round(float(total[1]) * 1e6), window["total_ps"])
        self.assertEqual(total[3], "the sum of the parts")

    def test_an_operation_has_its_pictures_and_its_parts_sum_to_the_total(self):
        data = self.made("reduce.html", *ALL_REDUCE, "--ranks", "8")
        self.assertEqual(data["facts"]["ranks"], 8)
        titles = [window["title"] for window in data["windows"]]
        self.assertEqual(titles[0], "phase 0: AllReduce")
        self.assertTrue(any(re.fullmatch(r"AllReduce, 256 KiB, \S+", title) for title in titles), titles)
        self.assertEqual(titles[-1], "The whole run")
        for number, window in enumerate(data["windows"]):
            with self.subTest(window=window["title"]):
                self.assertEqual(sum(window["parts_ps"]), window["total_ps"])
                dom = self.shown("reduce.html", number)
                self.check_parts(dom, window)
                self.assertEqual(dom.attributes["heat"]["data-rows"], "8")
                self.assertEqual(dom.attributes["tracks"]["data-rows"], "8")
                self.assertIn("egress", dom.texts["heat-choice"])
                self.assertGreater(len(dom.rows["ports"]), 8)
                self.assertEqual(dom.texts["experts-say"], "No MoE dispatch began in this time.")
        self.assertEqual(dom.texts["title"], "8 ranks on cloudmatrix384")
        operations = {row[0]: row[1] for row in dom.rows["operations"][1:]}
        counts = [count for title, count in operations.items() if title.startswith("AllReduce, 256 KiB")]
        self.assertEqual(len(counts), 1)
        self.assertGreaterEqual(int(counts[0]), 4, "one that warms up and one that counts, twice")

    def test_the_busiest_port_is_as_busy_as_its_bytes_make_it(self):
        data = self.made("ports.html", *ALL_REDUCE, "--ranks", "8")
        window = data["windows"][0]
        busy = [port["busy"] for port in window["ports"]]
        self.assertEqual(busy, sorted(busy, reverse=True))
        self.assertTrue(0.01 < busy[0] <= 1, busy)
        for port in window["ports"]:
            # 167 GB/s is what a die reads at most on this fabric.
            self.assertGreater(port["busy"] * window["total_ps"] / 1e12 * 200e9, port["bytes"])
            self.assertLessEqual(port["busy"], port["peak"] + 1e-9)

    def test_moe_shows_how_many_rows_each_expert_got(self):
        data = self.made("moe.html", *MOE, "--ranks", "8")
        for number, window in enumerate(data["windows"]):
            if "MoeDispatch" in window["title"]:
                break
        self.assertEqual(sum(rows for _, _, rows in window["experts"]), 8 * 16 * 4)
        self.assertEqual([[expert, expert // 3] for expert in range(24)],
                         [[expert, rank] for expert, rank, _ in window["experts"]])
        dom = self.shown("moe.html", number)
        self.check_parts(dom, window)
        self.assertEqual(dom.attributes["experts"]["data-experts"], "24")
        self.assertIn("512 rows for 24 experts, 21.3 each", dom.texts["experts-say"])
        kinds = {name.split(",")[0] for name in window["tracks"]["names"]}
        self.assertLessEqual({"MoePlanUpdate", "MoeDispatch"}, kinds)

    def test_384_ranks_fit_a_page(self):
        self.made("large.html", *ALL_REDUCE, "--ranks", "384", "--per", "package", "--timing-only")
        self.assertLess(self.path("large.html").stat().st_size, 5e6)
        dom = self.shown("large.html")
        self.assertEqual(dom.attributes["heat"]["data-rows"], "384")
        self.assertEqual(dom.attributes["tracks"]["data-rows"], "384")

    def test_levels_without_ports_have_pictures_too(self):
        for level in ("bound", "cell"):
            data = self.made(f"{level}.html", *ALL_REDUCE, "--ranks", "4", "--level", level)
            self.assertEqual(data["facts"]["level"], level)
            self.check_parts(self.shown(f"{level}.html"), data["windows"][0])

    def test_point_to_point_has_a_page(self):
        data = self.made("p2p.html", "p2p", "--op", "put", "-b", "4K", "--fabric", "cloudmatrix384")
        self.check_parts(self.shown("p2p.html"), data["windows"][0])

    def test_pointing_tells_and_dragging_looks_closer(self):
        self.made("point.html", *MOE, "--ranks", "4")
        page = self.path("point.html").read_text(encoding="utf-8")
        drag = """begin();
          const area = $("tracks").area;
          const send = (canvas, type, x, y) => {
            const box = canvas.getBoundingClientRect();
            canvas.dispatchEvent(new PointerEvent(type, { clientX: box.left + x, clientY: box.top + y,
              pointerId: 1, bubbles: true }));
          };
          HTMLElement.prototype.setPointerCapture = () => {};
          const note = (name) => { $("foot").dataset[name] = $("hint").textContent; };
          send($("tracks"), "pointermove", LEFT + 2, 12); note("track");
          send($("heat"), "pointermove", LEFT + 300, 30); note("port");
          send($("experts"), "pointermove", LEFT + 3, 100); note("expert");
          send($("tracks"), "pointerdown", LEFT + area.plot / 4, 12);
          send($("tracks"), "pointerup", LEFT + area.plot / 2, 12);
          $("foot").dataset.span = String((shown.to - shown.from) / shown.window.total_ps);
        </script>"""
        self.path("point.html").write_text(page.replace("begin();\n</script>", drag), encoding="utf-8")
        told = self.shown("point.html").attributes["foot"]
        self.assertRegex(told["data-track"],
                         r"^rank 0, at \S+ .s\nin MoePlanUpdate, \d+ B, which takes .*\n\w+: .*\ncritical path: ")
        self.assertRegex(told["data-port"], r"^rank \d, (egress|ingress), .*\n\S+ % busy from ")
        self.assertRegex(told["data-expert"], r"^expert 0 on rank 0\n\d+ rows, ")
        self.assertAlmostEqual(float(told["data-span"]), 0.25, delta=0.01)

    def test_the_console_is_heard_and_the_page_asks_for_nothing(self):
        self.made("whole.html", *ALL_REDUCE, "--ranks", "2")
        page = self.path("whole.html").read_text(encoding="utf-8")
        self.assertIn("default-src 'none'", page)
        self.assertIsNone(re.search(r"https?://|@import|url\(", page))
        self.path("broken.html").write_text(page.replace("begin();\n</script>", "begins();\n</script>"),
                                            encoding="utf-8")
        _, console = self.opened("broken.html")
        self.assertIn("begins is not defined", "".join(console))

    def test_what_is_wrong_is_named(self):
        out = str(self.path("wrong.html"))
        for words, code, sentence in (
                ([*ALL_REDUCE[:-1], "nowhere", "--ranks", "2", "--out", out], 1, "nowhere"),
                ([*ALL_REDUCE, "--ranks", "0", "--out", out], 1, "--ranks"),
                ([*ALL_REDUCE, "--ranks", "2", "--out", "/no/such/folder/x.html"], 1,
                 "/no/such/folder/x.html cannot be made: No such file or directory"),
                ([*ALL_REDUCE, "--ranks", "2", "--out", "/dev/full"], 1,
                 "/dev/full cannot be written: No space left on device"),
                (["p2p", "-b", "8", "--fabric", "cloudmatrix384", "--out", "/dev/full"], 1,
                 "/dev/full cannot be written: No space left on device"),
                (ALL_REDUCE[:-2], 2, "--fabric"),
                ([*ALL_REDUCE, "--report", "x"], 2, "--report: report writes a page, to --out"),
                ([*ALL_REDUCE, "-J", "x"], 2, "-J")):
            done = report(*words)
            with self.subTest(words=words):
                self.assertEqual([done.returncode, done.stdout], [code, ""], done.stderr)
                self.assertIn(sentence, done.stderr)
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = report(*ALL_REDUCE, "--ranks", "2", "--out", out, stdout=full)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left", done.stderr)


if __name__ == "__main__":
    SIM = sys.argv[1]
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
