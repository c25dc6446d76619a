"""Runs one program to its end or to its deadline, and leaves nothing of it behind."""
import json
import os
import signal
import subprocess
import time


MARK = "TUTTI_BENCH"  # in the environment of everything that a run starts


class Failure(Exception):
    """A program is missing, failed, hung or reported an error; the table shows the text."""


class Launcher:
    """Where the programs are, and a folder for what they write, gone with the benchmark."""

    def __init__(self, folder, programs, transport, priority=False):
        self.priority = priority
        self.folder = folder
        self.programs = programs
        self.transport = transport
        # What a run starts is known by this mark, whatever session or group it moves to.
        self.environment = dict(os.environ, TMPDIR=folder) | {MARK: str(os.getpid())}

    def raised(self):
        """Words before a program that a launcher starts in a session of its own."""
        script = 'echo -20 >/proc/self/autogroup; exec "$0" "$@"'
        return ["sh", "-c", script] if self.priority else []

    def program(self, name):
        path = os.path.join(self.programs, name)
        if not os.path.exists(path):
            raise Failure(f"{name} was not built")
        return os.path.abspath(path)

    def prepare(self, preexec):
        """What runs in the new process before the program."""

        def both():
            if self.priority:
                raise_priority()
            if preexec:
                preexec()

        return both

    def report(self, command, timeout_s, preexec=None, may_miss=False):
        """Runs `command -J FILE` and returns what it wrote there. `may_miss`: a program that ends
        with 1 where a target was missed."""
        path = os.path.join(self.folder, "report.json")
        if os.path.exists(path):
            os.unlink(path)
        command = command + ["-J", path]
        code, errors = run(command, timeout_s, self.environment, self.prepare(preexec))
        try:
            with open(path, encoding="utf-8") as file:
                report = json.load(file)
        except (OSError, ValueError):
            raise Failure(reason(code, errors)) from None
        if report.get("error"):
            # Behind the bar stand local facts; in a cell of the table it would end the cell.
            raise Failure(report["error"]["message"].partition("|")[0].strip())
        if any(row.get("wrong") for row in report["rows"]):
            return report  # wrong data is a result; the table says so
        if code != 0 and not (may_miss and code == 1):
            raise Failure(reason(code, errors))
        return report


def raise_priority():
    """Of the new session as a whole, since the kernel may weigh sessions before processes."""
    os.setpriority(os.PRIO_PROCESS, 0, -20)
    try:
        with open("/proc/self/autogroup", "w", encoding="utf-8") as file:
            file.write("-20")
    except OSError:
        pass  # a kernel without session groups


def reason(code, errors):
    lines = [line.strip() for line in errors.splitlines() if line.strip(" -\n")]
    return f"exit code {code}" + (f": {lines[-1][:120]}" if lines else "")


def run(command, timeout_s, environment, preexec=None):
    """(exit code, standard error). Failure when the deadline passes or it cannot start."""
    try:
        process = subprocess.Popen(
            command,
            env=environment,
            start_new_session=True,
            preexec_fn=preexec,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise Failure(f"{os.path.basename(command[0])}: {error.strerror}") from None
    try:
        _, errors = process.communicate(timeout=timeout_s)
        return process.returncode, errors
    except subprocess.TimeoutExpired:
        raise Failure(f"no result within {timeout_s:.0f} s") from None
    finally:
        end_marked(environment[MARK])
        process.communicate()


def end_marked(value):
    """Ends every process with the mark: launchers give ranks groups and sessions of their own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 3
        while members := marked_processes(value):
            for pid in members:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)


def marked_processes(value):
    members = []
    wanted = f"{MARK}={value}".encode()
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                if wanted in file.read().split(b"\0"):  # empty once a process has ended
                    members.append(int(entry))
        except OSError:
            continue
    return members
