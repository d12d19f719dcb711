"""Clusters for tests."""

import json
import os
import subprocess

import pytest


class Cluster:
    """Brokers on free ports of the loopback, in a process of their own."""

    def __init__(self, brokers, *flags):
        # Otherwise it is found on the PATH.
        program = os.environ.get("BLUMFELD_GATEWAY", "blumfeld-gateway")
        command = [program, "serve", "--brokers", str(brokers), "--listen", "127.0.0.1:0", "--json", "--control"]
        self.process = subprocess.Popen(
            [*command, "--log-level", "error", *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        # One line, once every broker serves; nothing if the gateway has ended.
        line = self.process.stdout.readline()
        assert line, "blumfeld-gateway did not start"
        self.bootstrap_servers = json.loads(line)["bootstrapServers"]

    def control(self, line):
        """Does a line of the console: `fault crash 2`, `fault restart 2`, `broker add`."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer == "ok", f"{line}: {answer}"

    def stop(self):
        """Ends it; its ports are free again."""
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def cluster():
    """Three brokers for one test, which may break them. One that is silent for 1 s counts as dead; Kafka waits for 9 s."""
    config = ["--config", "broker.session.timeout.ms=1000", "--config", "broker.heartbeat.interval.ms=200"]
    cluster = Cluster(3, *config)
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def bootstrap_servers():
    """Brokers that all tests share: those of `blumfeld-gateway exec`, or three that are started now."""
    servers = os.environ.get("BOOTSTRAP_SERVERS")
    if servers:
        yield servers
        return
    cluster = Cluster(3)
    yield cluster.bootstrap_servers
    cluster.stop()
