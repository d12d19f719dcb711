#!/usr/bin/env python3
"""Records the golden files of the shell from Apache Kafka's own tools.

    record.py KAFKA_LIB_DIR GOLDEN_FILE...

KAFKA_LIB_DIR holds the jars of an Apache Kafka release with log4j's SLF4J binding. Each golden file is read for its
commands (`$ `) and input lines (`< `, or `<< ` for a terminal) and written anew with what Kafka printed. A line `@ begin NAME
COMMAND` begins a command that runs beside the others, `@ end NAME` ends it as Ctrl-C does, and `@ wait SECONDS` waits. Every file
gets a freshly formatted one-node cluster on localhost:19092, which the files call localhost:9092, with its logs in
/tmp/kraft-combined-logs, which must not be there yet. Needs Java 17, Linux and Python 3.11.
"""

import os
import pty
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

LOGS = Path("/tmp/kraft-combined-logs")
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"
CLASSES = {
    "kafka-topics.sh": "org.apache.kafka.tools.TopicCommand",
    "kafka-console-producer.sh": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-console-consumer.sh": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-get-offsets.sh": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-configs.sh": "kafka.admin.ConfigCommand",
    "kafka-consumer-groups.sh": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-consumer-perf-test.sh": "org.apache.kafka.tools.ConsumerPerformance",
    "kafka-producer-perf-test.sh": "org.apache.kafka.tools.ProducerPerformance",
    "kafka-delete-records.sh": "org.apache.kafka.tools.DeleteRecordsCommand",
    "kafka-dump-log.sh": "org.apache.kafka.tools.DumpLogSegments",
    "kafka-transactions.sh": "org.apache.kafka.tools.TransactionsCommand",
}
SERVER = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:19093
listeners=PLAINTEXT://localhost:19092,CONTROLLER://localhost:19093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=/tmp/kraft-combined-logs
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
"""
# config/tools-log4j2.yaml of the distribution, in log4j's properties form.
LOG4J = """status = error
appender.stderr.type = Console
appender.stderr.name = STDERR
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = WARN
rootLogger.appenderRef.stderr.ref = STDERR
"""
PLACEHOLDERS = [
    (r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<UUID>"),
    (r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]", "[<DATE>]"),
    (r"(TopicId: )[A-Za-z0-9_-]{22}", r"\1<TOPIC_ID>"),
    (r"(topic_id: |topicId=)[A-Za-z0-9_-]{22}", r"\1<TOPIC_ID>"),
    (r"((?:CreateTime|LogAppendTime|[Tt]imestamp)(?::|: |=))\d{13}", r"\1<TIMESTAMP>"),
    (r"(crc: )\d+", r"\1<CRC>"),
    (r"console-consumer-\d+", "console-consumer-<N>"),
    (r"(producerId: )\d+", r"\1<PRODUCER_ID>"),
    (r"(correlation id )\d+", r"\1<N>"),
    # What performance tests measure.
    (r"\d+\.\d+(?= (?:records/sec|MB/sec|ms (?:avg|max) latency))", "<N>.<N>"),
    (r"\d+(?= ms (?:50|95|99|99\.9)th)", "<N>"),
    (
        r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}, ([\d.]+), [\d.]+, (\d+), [\d.]+, \d+, -?\d+, .*$",
        r"<DATE>, <DATE>, \1, <N>.<N>, \2, <N>.<N>, <N>, <N>, <N>.<N>, <N>.<N>",
    ),
    (r"perf-consumer-\d+", "perf-consumer-<N>"),
    # When a transaction began, and how long ago.
    (r"(Complete(?:Commit|Abort) +\t\d+ +\t)\d{13}( +\t)\d+ *\t", r"\1<TIMESTAMP>\2<PADDED>\t"),
    (r"(deadlineMs=|nextAllowedTryMs=)\d{13}", r"\1<TIMESTAMP>"),
    (r"(tries=)\d+", r"\1<N>"),
    (r"timed out at \d{13} after \d+ attempt", "timed out at <TIMESTAMP> after <N> attempt"),
]


class Kafka:
    def __init__(self, lib, work):
        self.work = work
        self.background = {}
        (work / "log4j2.properties").write_text(LOG4J)
        (work / "server.properties").write_text(SERVER)
        self.java = [
            "java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-Duser.language=en", "-Dfile.encoding=UTF-8",
            f"-Dlog4j2.configurationFile={work}/log4j2.properties", "-cp", f"{lib}/*",
        ]

    def __enter__(self):
        if LOGS.exists():
            sys.exit(f"{LOGS} exists")
        server = str(self.work / "server.properties")
        format_command = [*self.java, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", server]
        subprocess.run(format_command, check=True, capture_output=True)
        log = open(self.work / "server.log", "wb")
        self.server = subprocess.Popen([*self.java, "kafka.Kafka", server], stdout=log, stderr=log)
        while True:
            try:
                socket.create_connection(("localhost", 19092), 1).close()
                # The listener opens a moment before the broker is unfenced, and a tool would retry meanwhile.
                time.sleep(4)
                if self.server.poll() is not None:
                    sys.exit("something else listens there")
                return self
            except OSError:
                if self.server.poll() is not None:
                    sys.exit("the server ended; see " + str(self.work / "server.log"))
                time.sleep(0.2)

    def do(self, what, words):
        """Does what an `@` line says."""
        if what == "wait":
            time.sleep(int(words))
        elif what == "begin":
            name, line = words.split(" ", 1)
            tool, *arguments = shlex.split(line.replace("localhost:9092", "localhost:19092"))
            nothing = subprocess.DEVNULL
            self.background[name] = subprocess.Popen(
                [*self.java, CLASSES[tool], *arguments], stdin=nothing, stdout=nothing, stderr=nothing
            )
        else:
            process = self.background.pop(words)
            # As Ctrl-C does, but where it is ignored too.
            process.terminate()
            process.wait()

    def stop(self):
        """Ends the server as an operator does: cleanly."""
        self.server.terminate()
        self.server.wait()

    def __exit__(self, *_):
        for process in self.background.values():
            process.kill()
            process.wait()
        # The logs are thrown away: no clean shutdown is waited for.
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()
        shutil.rmtree(LOGS, ignore_errors=True)

    def run(self, line, lines, terminal, files):
        """Runs one console line; gives stdout, stderr and the exit code."""
        stdin = "".join(text + "\n" for text in lines).encode()
        if line.startswith("cat "):
            name, line = re.fullmatch(r"cat (\S+) \| (.*)", line).groups()
            stdin = (files / name).read_bytes()
        elif match := re.fullmatch(r"(.*) < (\S+)", line):
            line, name = match.groups()
            stdin = (files / name).read_bytes()
        tool, *words = shlex.split(line.replace("localhost:9092", "localhost:19092"))
        directory = LOGS if tool == "kafka-dump-log.sh" and "greetings.txt" not in words else files
        command = [*self.java, CLASSES[tool], *words]
        if terminal:
            return self.run_on_terminal(command, lines, directory)
        done = subprocess.run(command, input=stdin, capture_output=True, cwd=directory, timeout=120)
        return done.stdout, done.stderr, done.returncode

    @staticmethod
    def run_on_terminal(command, lines, directory):
        """Standard input and output are a terminal without echo, so that only what the tool prints is seen."""
        master, slave = pty.openpty()
        mode = termios.tcgetattr(slave)
        mode[1] &= ~termios.OPOST
        mode[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, mode)
        process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=subprocess.PIPE, cwd=directory, start_new_session=True
        )
        os.close(slave)
        seen = bytearray()

        def read():
            try:
                while chunk := os.read(master, 4096):
                    seen.extend(chunk)
            except OSError:
                pass

        reader = threading.Thread(target=read)
        reader.start()
        time.sleep(4)
        for text in lines:
            os.write(master, (text + "\n").encode())
            time.sleep(1)
        if process.poll() is None:
            os.write(master, b"\x04")  # the end of input, as Ctrl-D gives it
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        _, err = process.communicate()
        watchdog.cancel()
        os.close(master)
        reader.join(5)
        return bytes(seen), err, process.returncode


def mask(text):
    # In a column of fixed width: the shorter port leaves one space more.
    text = text.replace("localhost:19092  (1)", "localhost:9092  (1) ")
    text = text.replace("localhost:19092", "localhost:9092")
    for pattern, placeholder in PLACEHOLDERS:
        text = re.sub(pattern, placeholder, text)
    return text


def shown(output, mark):
    """Output as lines of a golden file. A last line without an end gets ` \\c`."""
    text = mask(output.decode())
    text = re.sub(r"(?m)^\tat .*\n|^\t\.\.\. \d+ more\n", "", text)
    # What a tool says of its own options is not compared: ours are described in our own words.
    text = re.sub(r"(?m)^(?:Option +Description *|usage: .*)\n(?:.*\n)*", "<USAGE>\n", text)
    lines = text.split("\n")
    last = lines.pop()
    result = [mark + line for line in lines]
    if last:
        result.append(mark + last + " \\c")
    return result


def record(kafka, path):
    out = []
    source = path.read_text().splitlines()
    at = 0
    while at < len(source):
        line = source[at]
        at += 1
        if line.startswith("#"):
            out.append(line)
            continue
        if action := re.fullmatch(r"@ (wait|begin|end) (.+)", line):
            kafka.do(*action.groups())
            out += [line, ""]
            continue
        if not line.startswith("$ "):
            continue
        out.append(line)
        inputs, terminal = [], False
        while at < len(source) and re.match(r"<<? ", source[at]):
            terminal = source[at].startswith("<< ")
            inputs.append(source[at].split(" ", 1)[1])
            out.append(source[at])
            at += 1
        stdout, stderr, code = kafka.run(line[2:], inputs, terminal, path.parent / "files")
        out += shown(stdout, "") + shown(stderr, "! ")
        if code:
            out.append(f"[exit {code}]")
        out.append("")
    path.write_text("\n".join(out) + "\n")


def main():
    lib, *paths = sys.argv[1:]
    for path in map(Path, paths):
        print(path, flush=True)
        with tempfile.TemporaryDirectory() as work, Kafka(lib, Path(work)) as kafka:
            record(kafka, path.resolve())


if __name__ == "__main__":
    main()
