#!/usr/bin/env python3
"""Records the golden files of a cluster of three from Apache Kafka's own tools.

    record_cluster.py KAFKA_LIB_DIR GOLDEN_FILE...

As record.py, but each file gets three combined nodes with a static quorum: brokers on localhost:9092, 9094 and 9096,
controllers on 9093, 9095 and 9097, logs in /tmp/kraft-combined-logs-1 to -3. A line `@ stop N`, `@ kill N`, `@ start N`
or `@ wait SECONDS` between commands does that to broker N, or waits.
"""

import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import record

NODES = (1, 2, 3)
record.CLASSES |= {
    "kafka-reassign-partitions.sh": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
    "kafka-leader-election.sh": "org.apache.kafka.tools.LeaderElectionCommand",
    "kafka-metadata-quorum.sh": "org.apache.kafka.tools.MetadataQuorumCommand",
    "kafka-log-dirs.sh": "org.apache.kafka.tools.LogDirsCommand",
    "kafka-cluster.sh": "org.apache.kafka.tools.ClusterTool",
}
record.PLACEHOLDERS += [
    # Whether the broker that is down is tried first is left to chance.
    (r"(?m)^.* WARN .*Connection to node \d+ .* could not be established.*\n", ""),
    (record.CLUSTER_ID, "<CLUSTER_ID>"),
    (r"/tmp/kraft-combined-logs-\d", "/tmp/kraft-combined-logs"),
    (
        r"(?m)^\d+ *\t([\w-]{22})\t-?\d+ *\t\d+ *\t(?:-1|\d+)( ms ago)? *\t(?:-1|\d+)( ms ago)? *\t",
        lambda row: "<PADDED>\t" + row[1] + "\t<PADDED>\t<PADDED>\t"
        + "".join(f"<PADDED>{ago}<PADDED>\t" if ago else "<PADDED>\t" for ago in (row[2], row[3])),
    ),
    (r"(?m)^((?:LeaderId|LeaderEpoch|HighWatermark|MaxFollowerLag|MaxFollowerLagTimeMs): +)-?\d+$", r"\1<N>"),
]


def logs(node):
    return Path(f"/tmp/kraft-combined-logs-{node}")


def properties(node):
    port = 9090 + 2 * node
    voters = ",".join(f"{voter}@localhost:{9091 + 2 * voter}" for voter in NODES)
    return f"""process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://localhost:{port},CONTROLLER://localhost:{port + 1}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={logs(node)}
group.initial.rebalance.delay.ms=0
"""


class Cluster(record.Kafka):
    def __init__(self, lib, work):
        super().__init__(lib, work)
        self.servers = {}

    def server_file(self, node):
        return str(self.work / f"server-{node}.properties")

    def __enter__(self):
        for node in NODES:
            if logs(node).exists():
                sys.exit(f"{logs(node)} exists")
            Path(self.server_file(node)).write_text(properties(node))
            command = [*self.java, "kafka.tools.StorageTool", "format", "-t", record.CLUSTER_ID, "-c"]
            subprocess.run([*command, self.server_file(node)], check=True, capture_output=True)
        for node in NODES:
            self.start(node)
        for node in NODES:
            self.wait_for(node)
        return self

    def start(self, node):
        log = open(self.work / f"server-{node}.log", "ab")
        command = [*self.java, "kafka.Kafka", self.server_file(node)]
        self.servers[node] = subprocess.Popen(command, stdout=log, stderr=log)

    def wait_for(self, node):
        while True:
            try:
                socket.create_connection(("localhost", 9090 + 2 * node), 1).close()
                # The listener opens a moment before the broker is unfenced, and a tool would retry meanwhile.
                time.sleep(4)
                return
            except OSError:
                if self.servers[node].poll() is not None:
                    sys.exit(f"server {node} ended")
                time.sleep(0.2)

    def do(self, what, number):
        if what == "wait":
            time.sleep(int(number))
        elif what == "start":
            self.start(int(number))
            self.wait_for(int(number))
        else:
            server = self.servers[int(number)]
            server.send_signal(signal.SIGKILL if what == "kill" else signal.SIGTERM)
            server.wait()

    def __exit__(self, *_):
        for server in self.servers.values():
            if server.poll() is None:
                server.kill()
                server.wait()
        for node in NODES:
            shutil.rmtree(logs(node), ignore_errors=True)

    def run(self, line, files):
        tool, *words = shlex.split(line)
        command = [*self.java, record.CLASSES[tool], *words]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, cwd=files, timeout=180)
        return done.stdout, done.stderr, done.returncode


def main():
    lib, *paths = sys.argv[1:]
    for path in map(Path, paths):
        print(path, flush=True)
        out = []
        with tempfile.TemporaryDirectory() as work, Cluster(lib, Path(work)) as cluster:
            for line in path.read_text().splitlines():
                if line.startswith("#"):
                    out.append(line)
                elif action := re.fullmatch(r"@ (\w+) (\d+)", line):
                    cluster.do(*action.groups())
                    out += [line, ""]
                elif line.startswith("$ "):
                    stdout, stderr, code = cluster.run(line[2:], path.resolve().parent / "files")
                    out.append(line)
                    out += record.shown(stdout, "") + record.shown(stderr, "! ")
                    if code:
                        out.append(f"[exit {code}]")
                    out.append("")
        path.write_text("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
