"""Apache Kafka's own tools and its Java client against the gateway, on one broker and on three.

    python3 suite.py --gateway PROGRAM --lib JARS --jar JAR [--brokers N] [--scenario PART] [--logs DIR] [--kafka]

Every tool is a process of its own, started by its main class as Kafka's shell scripts do. With --kafka the same runs against
Apache Kafka itself, from the same jars: what is expected here is true only if that passes too.
"""

import argparse
import json
import queue
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import run  # noqa: E402
import scenarios  # noqa: E402
import directories  # noqa: E402
from client import CLIENT_SCENARIOS, a_leader_crashes_under_a_java_producer  # noqa: E402
from scenarios import check  # noqa: E402
from tools import TOOL_SCENARIOS  # noqa: E402

CLASSES = {
    "kafka-broker-api-versions.sh": "org.apache.kafka.tools.BrokerApiVersionsCommand",
    "kafka-cluster.sh": "org.apache.kafka.tools.ClusterTool",
    "kafka-configs.sh": "kafka.admin.ConfigCommand",
    "kafka-console-consumer.sh": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-console-producer.sh": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-consumer-groups.sh": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-consumer-perf-test.sh": "org.apache.kafka.tools.ConsumerPerformance",
    "kafka-delete-records.sh": "org.apache.kafka.tools.DeleteRecordsCommand",
    "kafka-e2e-latency.sh": "org.apache.kafka.tools.EndToEndLatency",
    "kafka-features.sh": "org.apache.kafka.tools.FeatureCommand",
    "kafka-get-offsets.sh": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-groups.sh": "org.apache.kafka.tools.GroupsCommand",
    "kafka-leader-election.sh": "org.apache.kafka.tools.LeaderElectionCommand",
    "kafka-log-dirs.sh": "org.apache.kafka.tools.LogDirsCommand",
    "kafka-metadata-quorum.sh": "org.apache.kafka.tools.MetadataQuorumCommand",
    "kafka-producer-perf-test.sh": "org.apache.kafka.tools.ProducerPerformance",
    "kafka-reassign-partitions.sh": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
    "kafka-topics.sh": "org.apache.kafka.tools.TopicCommand",
    "kafka-transactions.sh": "org.apache.kafka.tools.TransactionsCommand",
}
# What differs from run to run.
PLACEHOLDERS = [
    (r"(TopicId: )[A-Za-z0-9_-]{22}", r"\1<TOPIC_ID>"),
    (r"((?:CreateTime|LogAppendTime):)\d{13}", r"\1<TIMESTAMP>"),
    (r"-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "-<UUID>"),
]


class Java:
    """How Java is started: as its programs are short, quickly rather than fast."""

    def __init__(self, lib, client):
        self.path, self.archive = f"{client}:{lib}/*", []

    def command(self, main, heap="256m"):
        return [
            "java", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *self.archive, "-Duser.language=en",
            "-Dfile.encoding=UTF-8", f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}", "-cp", self.path, main,
        ]

    def keep_classes(self, bootstrap, file):
        """Lets the client run once, and keeps its classes as they are in memory: that halves every start from now on."""
        topic = {"topic": "classes", "partition": 0}
        commands = [
            {"cmd": "create", **topic, "partitions": 1, "replication": 1},
            {"cmd": "produce", **topic, "values": ["x"], "acks": "all", "compression": "none", "idempotent": True},
            {"cmd": "read", **topic, "offset": 0, "count": 1},
            {"cmd": "delete", **topic},
        ]
        file.unlink(missing_ok=True)
        self.archive = [f"-XX:ArchiveClassesAtExit={file}"]
        command = [*self.command("Client"), bootstrap]
        text = "".join(json.dumps(one) + "\n" for one in commands)
        subprocess.run(command, input=text, capture_output=True, text=True, timeout=run.PATIENCE)
        self.archive = [f"-XX:SharedArchiveFile={file}"] if file.exists() else []


class Running:
    """A tool that goes on beside the others."""

    def __init__(self, command, log):
        self.out, self.lines = open(log, "a"), []
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.out, text=True, start_new_session=True
        )
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def terminate(self):
        """Ends it in order, as Ctrl-C does."""
        self.process.terminate()
        self.process.wait(30)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Trial(run.Trial):
    """A run of one scenario, with the tools."""

    def __init__(self, name, gateway, java, logs):
        super().__init__(name, gateway, {run.REFERENCE: None, name: java.command("Client")}, logs)
        self.java, self.files = java, logs / "files"
        self.files.mkdir(exist_ok=True)

    def reference(self):
        return self.client()

    def words(self, line):
        """A tool's command, with the bootstrap servers where the tool wants them."""
        tool, *words = shlex.split(line)
        servers = ["--bootstrap-server", self.gateway.bootstrap]
        return [*self.java.command(CLASSES[tool]), *(words + servers if tool == "kafka-cluster.sh" else servers + words)]

    def run(self, line, stdin="", code=0):
        """Runs a tool to its end; gives what it printed, with placeholders."""
        done = subprocess.run(self.words(line), input=stdin, capture_output=True, text=True, timeout=run.PATIENCE)
        with open(self.logs / f"{self.prefix}-{self.brokers}.log", "a") as log:
            log.write(f"$ {line}\n{done.stdout}{done.stderr}[exit {done.returncode}]\n")
        if done.returncode != code:
            raise AssertionError(f"{line}: exit {done.returncode}, {(done.stdout + done.stderr)[-400:]}")
        self.said, text = done.stderr, done.stdout
        for pattern, placeholder in PLACEHOLDERS:
            text = re.sub(pattern, placeholder, text)
        return text

    def prints(self, line, *wanted, stdin="", code=0):
        """Runs a tool, which has to print these lines and nothing else."""
        got = self.run(line, stdin, code)
        check(got.splitlines(), list(wanted), line)

    def comes_to_print(self, line, *wanted):
        """Runs a tool until it prints these lines: a broker may learn of a change a moment later than its tool returns."""
        end = time.monotonic() + 30
        while (got := self.run(line).splitlines()) != list(wanted):
            if time.monotonic() > end:
                check(got, list(wanted), line)

    def background(self, line):
        running = Running(self.words(line), self.logs / f"{self.prefix}-{self.brokers}.log")
        self.clients.append(running)
        return running

    def file(self, name, text):
        path = self.files / f"{self.prefix}-{self.brokers}-{name}"
        path.write_text(text)
        return path


class Kafka:
    """Apache Kafka itself in the gateway's place: so many combined nodes in JVMs of their own."""

    def __init__(self, java, brokers, logs):
        self.brokers, self.nodes = brokers, {}
        ports = [free_port() for _ in range(2 * brokers)]
        clients, controllers = ports[:brokers], ports[brokers:]
        voters = ",".join(f"{at + 1}@127.0.0.1:{port}" for at, port in enumerate(controllers))
        for node in range(1, brokers + 1):
            data = logs / f"kafka-{brokers}-{node}"
            shutil.rmtree(data, ignore_errors=True)
            config = logs / f"kafka-{brokers}-{node}.properties"
            config.write_text(
                f"process.roles=broker,controller\nnode.id={node}\ncontroller.quorum.voters={voters}\n"
                f"listeners=PLAINTEXT://127.0.0.1:{clients[node - 1]},CONTROLLER://127.0.0.1:{controllers[node - 1]}\n"
                "controller.listener.names=CONTROLLER\n"
                "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"
                f"log.dirs={data}\noffsets.topic.replication.factor={brokers}\n"
            )
            format_ = [*java.command("kafka.tools.StorageTool"), "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", config]
            subprocess.run(format_, check=True, capture_output=True)
            log = open(logs / f"kafka-{brokers}-{node}.log", "w")
            self.nodes[node] = subprocess.Popen([*java.command("kafka.Kafka", "512m"), config], stdout=log, stderr=log)
        self.serves(java, clients, logs)

    def serves(self, java, clients, logs):
        """Waits until all brokers are there for clients."""
        self.bootstrap = ",".join(f"127.0.0.1:{port}" for port in clients)
        # Unfenced brokers are those that a client is told of.
        trial = Trial("ready", self, java, logs)
        while len(trial.run("kafka-cluster.sh list-endpoints").splitlines()) != self.brokers + 1:
            pass

    def stop(self):
        for node in self.nodes.values():
            node.terminate()
        for node in self.nodes.values():
            try:
                node.wait(20)
            except subprocess.TimeoutExpired:
                # Of combined nodes the last may wait for a quorum that has gone.
                node.kill()


class Exported(Kafka):
    """Apache Kafka on directories that were exported, started as what lies beside them says."""

    def __init__(self, java, folder):
        files, self.nodes = directories.nodes(folder), {}
        self.brokers = len(files)
        ports = {first + at: free_port() for first in (9_092, 19_092) for at in range(self.brokers)}
        for node, file in files.items():
            file.write_text(directories.at_free_ports(file.read_text(), ports))
            log = open(folder / f"server-{node}.log", "w")
            command = [*java.command("kafka.Kafka", "512m"), file.name]
            self.nodes[node] = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        self.serves(java, [ports[9_092 + at] for at in range(self.brokers)], folder)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def crash(gateway, java, logs):
    """The load that has a cluster for itself."""
    trial = Trial("Java crash", gateway, java, logs)
    try:
        a_leader_crashes_under_a_java_producer(trial)
    finally:
        trial.end()


def carry(arguments, java, logs, passed, failed):
    """The journeys of log directories, one after the other: each has JVMs of its own."""
    for scenario, kafka in [
        (directories.there_and_back, Exported), (directories.after_a_kill, Exported), (directories.kafkas_own, Kafka)
    ]:
        if arguments.scenario not in scenario.__name__:
            continue
        title, start = f"log directories: {scenario.__name__.replace('_', ' ')}", time.monotonic()
        try:
            scenario(directories.Directories(arguments.gateway, java, logs), kafka)
            passed.append(title)
            print(f"ok     {time.monotonic() - start:5.1f} s  {title}", flush=True)
        except Exception as error:
            failed.append(title)
            print(f"FAILED {time.monotonic() - start:5.1f} s  {title}\n       {type(error).__name__}: {error}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--lib", required=True)
    parser.add_argument("--jar", required=True)
    parser.add_argument("--brokers", type=int)
    parser.add_argument("--scenario", default="")
    parser.add_argument("--logs", default="/tmp")
    parser.add_argument("--jobs", type=int, default=5)
    parser.add_argument("--kafka", action="store_true")
    arguments = parser.parse_args()
    logs, java = Path(arguments.logs), Java(arguments.lib, arguments.jar)
    logs.mkdir(parents=True, exist_ok=True)
    for old in logs.glob("*.log"):
        old.unlink()
    sizes = [arguments.brokers] if arguments.brokers else [1, 3]
    gateways = [
        Kafka(java, size, logs) if arguments.kafka else run.Gateway(arguments.gateway, size, logs / f"gateway-{size}.log")
        for size in sizes
    ]
    java.keep_classes(gateways[0].bootstrap, logs / "classes.jsa")
    work = queue.Queue()
    # What waits for timers begins first.
    for name, some in [
        ("Java client", CLIENT_SCENARIOS), ("tools", TOOL_SCENARIOS), ("Java client", scenarios.SCENARIOS[::-1])
    ]:
        for scenario in some:
            for gateway in gateways:
                if arguments.scenario in scenario.__name__:
                    work.put((scenario, name, gateway))
    passed, failed, versions = run.work_off(
        work, arguments.jobs, lambda name, gateway: Trial(name, gateway, java, logs)
    )
    run.stop(gateways, failed)
    if arguments.scenario in a_leader_crashes_under_a_java_producer.__name__ and not arguments.kafka:
        title = "Java client, 3 brokers: a leader crashes under a java producer"
        run.alone(arguments.gateway, logs, passed, failed, title, lambda gateway: crash(gateway, java, logs))
    if not arguments.kafka:
        carry(arguments, java, logs, passed, failed)
    return run.count(passed, failed, versions, logs)


if __name__ == "__main__":
    sys.exit(main())
