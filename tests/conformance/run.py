"""Real clients against the gateway, on one broker and on three.

    python3 run.py --gateway PROGRAM --python VENV_PYTHON [--client NAME] [--brokers N] [--scenario PART] [--logs DIR]

Every client runs every scenario of scenarios.py. The last line counts.
"""

import argparse
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from scenarios import SCENARIOS

HERE = Path(__file__).parent
# The client that stands in where another has no way of doing something, and reads what others wrote.
REFERENCE = "confluent-kafka"
# No answer takes longer, in seconds.
PATIENCE = 90


class Gateway:
    """A gateway of so many brokers on free ports."""

    def __init__(self, program, brokers, log, control=False, more=()):
        self.brokers, self.log = brokers, log
        command = [program, "serve", "--brokers", str(brokers), "--listen", "127.0.0.1:0", "--log-level", "debug"]
        self.process = subprocess.Popen(
            [*command, *more] + ["--control"] * control, stdin=subprocess.PIPE if control else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=open(log, "w"), text=True,
        )
        line = self.process.stdout.readline()
        if "ready: " not in line:
            raise RuntimeError(f"the gateway did not start: {line} {Path(log).read_text()}")
        self.bootstrap = line.split("ready: ")[1].strip()

    def control(self, line):
        """Does a command of the gateway's standard input; gives what it says before its `ok`."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        said = []
        for answer in self.process.stdout:
            answer = answer.rstrip("\n")
            if answer == "ok":
                return said
            if answer.startswith("error: "):
                raise AssertionError(f"{line}: {answer}")
            said.append(answer)
        raise AssertionError(f"{line}: the gateway has ended")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(30)
        if code:
            raise RuntimeError(f"the gateway ended with {code}")


class Client:
    """A process that does commands with one client's library."""

    def __init__(self, name, command, bootstrap, log):
        self.name = name
        self.process = subprocess.Popen(
            [*command, bootstrap], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(log, "a"), text=True, cwd=HERE,
            start_new_session=True,
        )
        self.answers = queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()
        hello = self.answer("start")
        self.can, self.version = hello["can"], hello["version"]

    def listen(self):
        for line in self.process.stdout:
            self.answers.put(json.loads(line))
        self.answers.put({"error": "the client has ended"})

    def answer(self, what):
        try:
            return self.answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError(f"{self.name}: no answer to {what} in {PATIENCE} s") from None

    def attempt(self, command, **arguments):
        """Does a command; gives its answer even if that is an error."""
        self.process.stdin.write(json.dumps({"cmd": command, **arguments}) + "\n")
        self.process.stdin.flush()
        return self.answer(command)

    def __getattr__(self, command):
        def do(**arguments):
            answer = self.attempt(command, **arguments)
            if "error" in answer:
                raise AssertionError(f"{self.name}: {command}: {answer['error']}")
            return answer["ok"]
        return do

    def kill(self):
        """Ends the process and what it started, at once."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class Trial:
    """One client's run of one scenario."""

    def __init__(self, name, gateway, commands, logs):
        self.name, self.gateway, self.commands, self.logs = name, gateway, commands, logs
        self.brokers, self.prefix = gateway.brokers, re.sub(r"\W", "", name)
        self.clients, self.first, self.other = [], None, None

    def start(self, name):
        log = self.logs / f"{self.prefix}-{self.brokers}.log"
        client = Client(name, self.commands[name], self.gateway.bootstrap, log)
        self.clients.append(client)
        return client

    def client(self):
        self.first = self.first or self.start(self.name)
        return self.first

    def member(self):
        return self.start(self.name)

    def reference(self):
        if self.name == REFERENCE:
            return self.client()
        self.other = self.other or self.start(REFERENCE)
        return self.other

    def able(self, what):
        return self.client() if self.client().can.get(what) else self.reference()

    def admin(self):
        return self.able("admin")

    def group_admin(self):
        return self.able("group_admin")

    def resetter(self):
        return self.able("reset")

    def readers(self):
        """The client, and the reference: what was written is right only if others read it too."""
        return list(dict.fromkeys([self.client(), self.reference()]))

    def topic(self, name):
        return f"{self.prefix}-{name}"

    def group(self, name):
        return f"{self.prefix}-{name}-group"

    def made(self, name, partitions):
        """A topic with its leaders."""
        topic, admin = self.topic(name), self.admin()
        admin.create(topic=topic, partitions=partitions, replication=self.brokers)
        end = time.monotonic() + 20
        while True:
            found = self.client().attempt("describe", topic=topic).get("ok") or []
            if len(found) == partitions and all(p["leader"] > 0 for p in found):
                return topic
            if time.monotonic() > end:
                raise AssertionError(f"{topic} has no leaders: {found}")
            time.sleep(0.02)

    def end(self):
        for client in self.clients:
            client.kill()


def alone(program, logs, passed, failed, title, scenario):
    """A scenario, given the gateway, that has a cluster of three for itself, and may break it."""
    start = time.monotonic()
    gateway = Gateway(program, 3, logs / f"gateway-{title.split(': ')[1].replace(' ', '-')}.log", control=True)
    try:
        scenario(gateway)
        gateway.stop()
        passed.append(title)
        print(f"ok     {time.monotonic() - start:5.1f} s  {title}", flush=True)
    except Exception as error:
        gateway.process.kill()
        failed.append(title)
        print(f"FAILED {time.monotonic() - start:5.1f} s  {title}\n       {type(error).__name__}: {error}", flush=True)


def work_off(work, jobs, trial):
    """Does the work, a scenario, a client's name and a gateway each, so many at once. Gives what passed and what failed, and
    the clients' versions."""
    lock, passed, failed, versions = threading.Lock(), [], [], {}

    def worker():
        while True:
            try:
                scenario, name, gateway = work.get_nowait()
            except queue.Empty:
                return
            title = f"{name}, {gateway.brokers} broker{'s' * (gateway.brokers > 1)}: {scenario.__name__.replace('_', ' ')}"
            one, start = trial(name, gateway), time.monotonic()
            try:
                scenario(one)
                error = None
            except Exception as found:
                error = found
            seconds = time.monotonic() - start
            with lock:
                versions[name] = one.first.version if one.first else versions.get(name)
                (failed if error else passed).append(title)
                print(f"{'FAILED' if error else 'ok    '} {seconds:5.1f} s  {title}", flush=True)
                if error:
                    print(f"       {type(error).__name__}: {str(error)[:500]}", flush=True)
            one.end()

    workers = [threading.Thread(target=worker) for _ in range(jobs)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    return passed, failed, versions


def stop(gateways, failed):
    """Stops the gateways in order; one that does not end so has failed."""
    for gateway in gateways:
        try:
            gateway.stop()
        except Exception as error:
            failed.append(f"gateway of {gateway.brokers}: {error}")
            print(f"FAILED {failed[-1]}")


def count(passed, failed, versions, logs):
    """Prints the last lines; gives the exit code."""
    for name, version in versions.items():
        if version:
            print(f"{name} {version}")
    if failed:
        print(f"logs: {logs}")
    print(f"{len(passed)} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--client")
    parser.add_argument("--brokers", type=int)
    parser.add_argument("--scenario", default="")
    parser.add_argument("--logs", default="/tmp")
    parser.add_argument("--jobs", type=int, default=4)
    arguments = parser.parse_args()
    clients = HERE / "clients"
    commands = {
        "kcat": [arguments.python, clients / "kcat.py"],
        "confluent-kafka": [arguments.python, clients / "confluent.py"],
        "kafka-python": [arguments.python, clients / "kafka_python.py"],
        "aiokafka": [arguments.python, clients / "aio.py"],
        "KafkaJS": ["node", clients / "kafkajs.mjs"],
        "@platformatic/kafka": ["node", clients / "platformatic.mjs"],
    }
    logs = Path(arguments.logs)
    logs.mkdir(parents=True, exist_ok=True)
    for old in logs.glob("*.log"):
        old.unlink()
    sizes = [arguments.brokers] if arguments.brokers else [1, 3]
    gateways = [Gateway(arguments.gateway, size, logs / f"gateway-{size}.log") for size in sizes]
    work = queue.Queue()
    # Groups wait for timers most of the time: those begin first.
    for scenario in reversed(SCENARIOS):
        for name in commands:
            for gateway in gateways:
                if arguments.scenario in scenario.__name__ and arguments.client in (None, name):
                    work.put((scenario, name, gateway))
    passed, failed, versions = work_off(work, arguments.jobs, lambda name, gateway: Trial(name, gateway, commands, logs))
    stop(gateways, failed)
    if arguments.client in (None, REFERENCE):
        from crash import a_leader_crashes_under_load
        from members import a_broker_joins_and_leaves
        from rewound import a_session_is_rewound_and_replayed

        for scenario in a_leader_crashes_under_load, a_broker_joins_and_leaves, a_session_is_rewound_and_replayed:
            if arguments.scenario in scenario.__name__:
                title = f"{REFERENCE}, 3 brokers: {scenario.__name__.replace('_', ' ')}"
                alone(arguments.gateway, logs, passed, failed, title, scenario)
    return count(passed, failed, versions, logs)


if __name__ == "__main__":
    sys.exit(main())
