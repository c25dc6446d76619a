"""tutti-plugin-check finds what is wrong with plugins, and nothing where nothing is."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK, EXAMPLE, PLUGINS = (pathlib.Path(sys.argv.pop(1)).resolve() for _ in range(3))


def check(*arguments, **where):
    return subprocess.run([CHECK, *arguments], capture_output=True, text=True, timeout=250,
                          check=False, **where)


class PluginCheck(unittest.TestCase):
    def assert_holds(self, run):
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertNotIn("FAILED", run.stdout)

    def assert_fails(self, variant, name, *words, only=True):
        arguments = ["--only", name] if only else []
        run = check(PLUGINS / f"libplugin_{variant}.so", *arguments)
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        line = [line for line in run.stdout.splitlines() if line.startswith(f"{name} ")][0]
        self.assertIn("FAILED: ", line)
        for word in words:
            self.assertIn(word, line)

    def test_the_example_holds(self):
        run = check(EXAMPLE)
        self.assert_holds(run)
        self.assertIn("unix, for hosts of interface version 1 to 1", run.stdout)
        self.assertIn(", all ok", run.stdout.splitlines()[-1])

    def test_one_with_every_demand_holds(self):
        self.assert_holds(check(PLUGINS / "libplugin_demanding.so"))

    def test_what_cannot_be_loaded_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            run = check(f"{folder}/libnone.so")
        self.assertEqual(run.returncode, 1)
        self.assertIn(f'transport plugin "{folder}/libnone.so": it cannot be loaded', run.stdout)

    def test_tables_for_other_hosts_are_found(self):
        self.assert_fails("wrong_version", "table", "version 7 to 9", "version 1", only=False)
        self.assert_fails("forgets", "table", "no function send", only=False)
        self.assert_fails("unknown_bits", "table", "0x100000", only=False)
        self.assert_fails("no_table", "table", "cannot be used here", only=False)

    def test_changed_messages_are_found(self):
        self.assert_fails("corrupts", "both_ways", "came with another byte")
        self.assert_fails("corrupts", "all_to_all", "process ")

    def test_lost_messages_are_found(self):
        self.assert_fails("loses", "back_pressure", "messages have come")

    def test_repeated_messages_are_found(self):
        self.assert_fails("repeats", "both_ways")

    def test_a_sleeper_that_nobody_wakes_is_found(self):
        self.assert_fails("never_wakes", "wakes", "the end of a send")

    def test_a_crash_is_one_failure(self):
        self.assert_fails("crashes", "both_ways", "signal 6")

    def test_a_library_in_this_folder_needs_no_path(self):
        self.assert_holds(check(EXAMPLE.name, "--only", "table", cwd=EXAMPLE.parent))

    def test_the_list_names_every_check_that_runs(self):
        run = check("--list")
        self.assertEqual(run.returncode, 0)
        names = [line.split()[0] for line in run.stdout.splitlines()]
        self.assertEqual(len(names), len(set(names)))
        for name in ("table", "sizes", "dead_peer", "moe"):
            self.assertIn(name, names)

    def test_wrong_arguments_are_named(self):
        for arguments, word in (([], "plugin"), ([EXAMPLE, "--only", "nonsense"], "nonsense"),
                                ([EXAMPLE, "--only"], "--only"), ([EXAMPLE, "more"], "more"),
                                ([EXAMPLE, "--often"], "--often")):
            run = check(*arguments)
            self.assertEqual(run.returncode, 2, arguments)
            self.assertIn(word, run.stderr)
            self.assertEqual(run.stdout, "")


if __name__ == "__main__":
    unittest.main()
