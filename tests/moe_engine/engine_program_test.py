"""The engine as users start it: the expected text and the same logits however its ranks are started, and what
is wrong with its arguments or its model is named: engine_program_test.py ENGINE TUTTI_RUN [TEST...]."""
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

ENGINE = RUN = ""
MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     "../../examples/moe_engine/model/tiny-moe.safetensors")
TCP = {"TUTTI_TRANSPORT": "tcp"}
HOSTS = {"TUTTI_TRANSPORT": "shm+tcp", "TUTTI_RANKS_PER_HOST": "2"}


def run(*words, env=None):
    """Exit code, and all that the engine says. It has two minutes."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env=os.environ | (env or {}))
    return done.returncode, done.stdout + done.stderr


def engine(words, env=None):
    return run(ENGINE, *words, env=env)


def logits_of(said):
    return re.search(r"^logits ([0-9a-f]{16})$", said, re.MULTILINE)[1]


@contextlib.contextmanager
def beside_the_model(prompt, tokens, continuation):
    """The model in a folder with an expected.json of one prompt."""
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(os.path.abspath(MODEL), os.path.join(folder, "model"))
        with open(os.path.join(folder, "expected.json"), "w") as file:
            json.dump({"prompts": [{"prompt": prompt, "tokens": tokens, "continuation": continuation}]}, file)
        yield os.path.join(folder, "model")


class Serves(unittest.TestCase):
    """--check compares the text with expected.json, --evaluate the bits per byte, by 0.1 %."""
    WORK = ["--check", "--evaluate", "--windows", "4"]

    def serve(self, words, env=None):
        code, said = engine(words, env)
        self.assertEqual(code, 0, said)
        return said

    def test_the_expected_text_and_the_same_logits_everywhere(self):
        alone = self.serve(["--ranks", "1", *self.WORK])
        self.assertIn("8 of 8 texts are as expected", alone)
        for words, env in ((["--ranks", "2"], {}), (["--ranks", "3"], {}), (["--ranks", "8"], {}),
                           (["--ranks", "5", "--threads"], {}), (["--ranks", "3"], TCP), (["--ranks", "5"], HOSTS),
                           (["--ranks", "8", "--fabric", "cloudmatrix384"], {}),
                           (["--ranks", "3", "--fabric", "h800-ib", "--step-tokens", "7",
                             "--sequences", "1"], {})):
            with self.subTest(words=words, env=env):
                said = self.serve([*words, *self.WORK], env)
                self.assertIn("8 of 8 texts are as expected", said)
                self.assertEqual(logits_of(said), logits_of(alone))

    def test_the_expected_text_and_bits_per_byte_of_one_and_of_most_ranks(self):
        digests = set()
        for ranks in ("1", "64"):
            said = self.serve(["--ranks", ranks, "--check", "--evaluate"])
            self.assertIn("8 of 8 texts are as expected", said)
            self.assertRegex(said, r"bits per byte of 16384: [+-]0\.0\d* % of the expected")
            digests.add(logits_of(said))
        self.assertEqual(len(digests), 1)

    def test_another_layout(self):
        said = self.serve(["--ranks", "3", "--layout", "token", "--check"])
        self.assertIn("8 of 8 texts are as expected", said)

    def test_ranks_of_a_launcher(self):
        words = ["--prompt", "The king of ", "--prompt", "Blessed are ", "--requests", "5", "--tokens", "9"]
        alone = self.serve(["--ranks", "1", *words])
        for launcher in (["-n", "3"], ["--fabric", "cloudmatrix384", "-n", "3"]):
            with self.subTest(launcher):
                code, said = run(RUN, *launcher, "--", ENGINE, *words)
                self.assertEqual(code, 0, said)
                self.assertEqual(logits_of(said), logits_of(alone))
                self.assertIn("The king of |", said)

    def test_where_the_context_ends(self):
        said = self.serve(["--ranks", "2", "--prompt", "and " * 64, "--tokens", "5"])
        self.assertIn("1 bytes, where the context is full", said)

    def test_a_text_that_is_not_expected_fails(self):
        for ranks in (["--ranks", "2"], ["--ranks", "2", "--fabric", "ideal"]):
            with self.subTest(ranks), beside_the_model("Blessed are ", 3, "we") as model:
                code, said = engine([*ranks, "--check", "--model", model])
                self.assertEqual(code, 1)
                self.assertIn("Request 0 should have been: we", said)
                self.assertNotIn("error", said)


class Refuses(unittest.TestCase):
    def check(self, said, words):
        self.assertIn(words, said)
        self.assertEqual(said.count("\n"), 1, said)

    def test_wrong_arguments(self):
        for arguments, words in (
                (["--ranks", "0"], "--ranks: Value 0 not in range 1 to 64"),
                (["--ranks", "65"], "--ranks: Value 65 not in range 1 to 64"),
                (["--ranks", "many"], "many"),
                (["--prompt", ""], "--prompt number 2 is empty"),
                (["--prompt", "a" * 257], "--prompt number 2 has 257 bytes"),
                (["--tokens", "0"], "--tokens: Value 0"),
                (["--layout", "rows"], "--layout: Check rows"),
                (["--model", "/nowhere"], "/nowhere"),
                (["--evaluate", "--windows", "65"], "--windows 65: the text has 64"),
                (["--fabric", "ideal", "--threads"], "--threads excludes --fabric"),
                (["more"], "more")):
            with self.subTest(arguments=arguments):
                code, said = engine(["--prompt", "a", *arguments])
                self.assertEqual(code, 2, said)
                self.check(said, words)

    def test_what_is_expected_is_wrong(self):
        for prompt, tokens, words in (("", 3, "prompt 1 of expected.json is empty"),
                                      ("a" * 300, 3, "prompt 1 of expected.json has 300 bytes"),
                                      ("a", -3, "expected.json: tokens is -3"),
                                      (7, 3, "expected.json: [json.exception")):
            with self.subTest(words), beside_the_model(prompt, tokens, "b") as model:
                code, said = engine(["--check", "--model", model])
                self.assertIn(code, (1, 2))
                self.check(said, words)

    def test_no_work(self):
        code, said = engine([])
        self.assertEqual(code, 2)
        self.check(said, "nothing to do")

    def test_a_fabric_that_is_not_there(self):
        code, said = engine(["--prompt", "a", "--fabric", "nowhere"])
        self.assertEqual(code, 1)
        self.check(said, "no fabric profile 'nowhere'")

    def test_ranks_that_a_launcher_did_not_start(self):
        code, said = run(RUN, "-n", "2", "--", ENGINE, "--ranks", "3", "--prompt", "a")
        self.assertEqual(code, 2)
        self.assertIn("--ranks 3: the launcher started 2", said)

    def test_a_model_that_is_cut_short_or_no_model(self):
        with open(MODEL, "rb") as file:
            whole = file.read()
        for content, words in ((b"", "byte 0, header length"), (whole[:7], "byte 7, header length"),
                               (whole[:100], "byte 8, header length: says 4824"),
                               (whole[:100000], "tensor 'blocks.0.attn_norm.weight', data_offsets: end"),
                               (whole[:-1], "tensor 'head.weight', data_offsets: end 16518528"),
                               (whole + b"\0", "data: 1 bytes belong to no tensor")):
            with self.subTest(words), tempfile.NamedTemporaryFile() as file:
                file.write(content)
                file.flush()
                code, said = engine(["--prompt", "a", "--model", file.name])
                self.assertEqual(code, 1)
                self.check(said, f"moe_engine: {file.name}: ")
                self.check(said, words)

    def test_a_full_disk(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([ENGINE, "--ranks", "2", "--prompt", "a", "--tokens", "2"], stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("cannot write to standard output", done.stderr)


if __name__ == "__main__":
    ENGINE, RUN = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
