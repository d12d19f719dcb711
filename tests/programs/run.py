"""Programs that people run, against the gateway.

    python3 run.py --gateway PROGRAM --target DIR [NAME…]

programs.json has each program: its name, what `cargo xtask` has to set up for it, the brokers of its cluster (two
numbers: of its two clusters), its command, how many seconds it may take, and what it has to count. It runs in a
folder of its own, and is told where the brokers listen in BOOTSTRAP_SERVERS, and in SECOND_CLUSTER if there is one.
What it prints are lines of JSON:

    {"control": "fault crash 2"}                          asks for a fault; it is answered with a line
    {"error": "120 of 500 records came"}                  says what was not yet so; the program has failed
    {"version": "1.2.3", "counts": {"records": 500}}      is the end; what is in the table must be so, the rest is shown

The last line counts programs.
"""

import argparse
import importlib.util
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def conformance():
    """The runner of the clients: its gateway, and its way of counting, are those of this one."""
    path = HERE.parent / "conformance"
    sys.path.insert(0, str(path))
    spec = importlib.util.spec_from_file_location("conformance", path / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CLIENTS = conformance()


class Program:
    """One program that runs beside its clusters."""

    def __init__(self, line, gateways, target, logs):
        self.line, self.gateways, self.name = line, gateways, line["name"]
        made, folder = target / "programs", logs / self.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        servers = [gateway.bootstrap for gateway in gateways]
        known = {"here": HERE, "made": made, "target": target, "python": sys.executable}
        self.process = subprocess.Popen(
            [part.format(**known) for part in line["command"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=open(logs / f"{self.name}.log", "w"), text=True, cwd=folder, start_new_session=True,
            env={
                **os.environ, "BOOTSTRAP_SERVERS": servers[0], "SECOND_CLUSTER": servers[-1], "MADE": str(made),
                "PYTHONPATH": str(HERE / "python"), "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1",
            },
        )
        self.lines = queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def answer(self):
        """Does what the program asks for, and gives its last line."""
        end = time.monotonic() + self.line["seconds"]
        while True:
            try:
                text = self.lines.get(timeout=max(end - time.monotonic(), 0))
            except queue.Empty:
                raise AssertionError(f"no counts after {self.line['seconds']} s") from None
            if text is None:
                raise AssertionError(f"it ended with {self.process.wait(10)} and without counts")
            said = json.loads(text)
            if "error" in said:
                raise AssertionError(said["error"])
            if "counts" in said:
                return said
            self.gateways[0].control(said["control"])
            self.process.stdin.write("ok\n")
            self.process.stdin.flush()

    def kill(self):
        """Ends it and what it started."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


def wrong(expected, counts):
    """What is not as it has to be."""
    return [f"{what}: {counts.get(what)}, wanted {want}" for what, want in expected.items() if counts.get(what) != want]


def trial(line, arguments, logs):
    """Runs a program beside its clusters; gives its version and its counts."""
    gateways, program = [], None
    try:
        for at, brokers in enumerate(line["brokers"]):
            log = logs / f"{line['name']}-gateway{at or ''}.log"
            gateways.append(CLIENTS.Gateway(arguments.gateway, brokers, log, control=True))
        program = Program(line, gateways, Path(arguments.target).resolve(), logs)
        said = program.answer()
        if found := wrong(line["expected"], said["counts"]):
            raise AssertionError("; ".join(found))
        program.kill()
        for gateway in gateways:
            gateway.stop()
        return said
    finally:
        if program:
            program.kill()
        for gateway in gateways:
            gateway.process.kill()
            gateway.process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    table = json.loads((HERE / "programs.json").read_text())
    if unknown := set(arguments.names) - {line["name"] for line in table}:
        parser.error(f"there is no program {', '.join(sorted(unknown))}")
    logs = (Path(arguments.target) / "programs/logs").resolve()
    logs.mkdir(parents=True, exist_ok=True)
    passed, failed = [], []
    for line in table:
        if arguments.names and line["name"] not in arguments.names:
            continue
        start = time.monotonic()
        try:
            said = trial(line, arguments, logs)
            passed.append(line["name"])
            text = ", ".join(f"{what} {count}" for what, count in said["counts"].items())
            print(f"ok     {time.monotonic() - start:5.1f} s  {line['name']} {said['version']}: {text}", flush=True)
        except Exception as error:
            failed.append(line["name"])
            text = f"{type(error).__name__}: {str(error)[:500]}"
            print(f"FAILED {time.monotonic() - start:5.1f} s  {line['name']}\n       {text}", flush=True)
    return CLIENTS.count(passed, failed, {}, logs)


if __name__ == "__main__":
    sys.exit(main())
