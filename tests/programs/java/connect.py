"""Kafka Connect with two distributed workers: lines of a file come out of another, and go on when a worker crashes."""

import json
import urllib.request
from collections import Counter
from pathlib import Path
from urllib.error import URLError

from driver import SERVERS, Log, committed, create, free_port, java, properties, told, until, version

FIRST, MORE = 1_000, 500
PARTITIONS = 1
TASKS = {"source": "org.apache.kafka.connect.file.FileStreamSourceConnector",
         "sink": "org.apache.kafka.connect.file.FileStreamSinkConnector"}


def worker(name, port):
    converter = "org.apache.kafka.connect.storage.StringConverter"
    settings = {
        "bootstrap.servers": SERVERS, "group.id": "connect", "key.converter": converter, "value.converter": converter,
        "listeners": f"http://127.0.0.1:{port}", "rest.advertised.host.name": "127.0.0.1",
        "config.storage.topic": "connect-configs", "offset.storage.topic": "connect-offsets",
        "status.storage.topic": "connect-status", "offset.flush.interval.ms": 500, "plugin.discovery": "service_load",
        # A worker that crashes is missed after this time, and so is the consumer of its sink; by default after 45 s.
        "session.timeout.ms": 6_000, "consumer.session.timeout.ms": 6_000,
        # It may come back: as long its tasks are nobody's. The default is five minutes.
        "scheduled.rebalance.max.delay.ms": 1_000,
    }
    return java("org.apache.kafka.connect.cli.ConnectDistributed", properties(f"{name}.properties", settings))


def ask(port, path, config=None):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", config and json.dumps(config).encode(), {"Content-Type": "application/json"},
        method="PUT" if config else "GET",
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def answered(port, path, config=None):
    """For `until`: a worker that starts does not listen, and one that rebalances refuses."""
    try:
        return ask(port, path, config), ""
    except (URLError, ConnectionError, TimeoutError) as error:
        return None, str(error)


def running(port, workers):
    """For `until`: whether connectors and tasks run, and the tasks on so many workers. Gives each task's worker."""
    statuses = [answered(port, f"/connectors/{name}/status") for name in TASKS]
    if not all(status for status, _ in statuses):
        return None, statuses
    statuses = [status for status, _ in statuses]
    states = [part["state"] for one in statuses for part in [one["connector"], *one["tasks"]]]
    on = [task["worker_id"] for one in statuses for task in one["tasks"]]
    return states == ["RUNNING"] * 4 and len(set(on)) == workers and on, (states, on)


def append(lines):
    with open("in.txt", "a") as file:
        file.writelines(f"line {number}\n" for number in lines)


def came(count):
    """For `until`: whether so many different lines came."""
    have = len(set(Path("out.txt").read_text().splitlines())) if Path("out.txt").exists() else 0
    return have >= count, f"{have} of {count} lines came"


def sink_committed(count):
    have = committed(SERVERS, "connect-sink", "lines", PARTITIONS)
    return have == count, f"offset {have}, wanted {count}"


def main():
    with told() as line:
        create(["lines"], PARTITIONS)
        append(range(FIRST))
        ports = [free_port(), free_port()]
        workers = [worker(f"worker-{at}", port) for at, port in enumerate(ports)]
        for at, port in enumerate(ports):
            until(f"worker {at} answers", lambda: (workers[at].alive(), *answered(port, "/"))[1:])
        for name, file, topic in ("source", "in.txt", "topic"), ("sink", "out.txt", "topics"):
            config = {"connector.class": TASKS[name], "file": file, topic: "lines"}
            until(f"the {name} is taken", lambda: answered(ports[0], f"/connectors/{name}/config", config))
        on = until("the tasks run on both workers", lambda: running(ports[0], 2))
        until("the lines are in the other file", lambda: came(FIRST))
        # The worker of the sink crashes; the other one has everything then, and goes on where this one had committed.
        until("the sink has committed", lambda: sink_committed(FIRST))
        crashes = ports.index(int(on[1].split(":")[1]))
        workers[crashes].crash()
        until("the tasks run on one worker", lambda: running(ports[1 - crashes], 1))
        append(range(FIRST, FIRST + MORE))
        until("all lines are in the other file", lambda: came(FIRST + MORE))
        until("the sink has committed all", lambda: sink_committed(FIRST + MORE))
        workers[1 - crashes].crash()
        lines = Counter(Path("out.txt").read_text().splitlines())
        line["version"] = version("connect-runtime")
        line["counts"] = {
            "lines": FIRST + MORE, "records": len(Log("lines", PARTITIONS).whole().records),
            "different lines": len(lines),
            "wrong": len(set(lines) - {f"line {number}" for number in range(FIRST + MORE)}),
            "twice": sum(times - 1 for times in lines.values()),
        }


main()
