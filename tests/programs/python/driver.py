"""What the programs driven from Python have in common: they write records, wait for what comes of them, and tell it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from confluent_kafka import (
    OFFSET_BEGINNING, Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer, TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

SERVERS = os.environ["BOOTSTRAP_SERVERS"]
SECOND = os.environ["SECOND_CLUSTER"]
PATIENCE = 60
# When the first record is, in seconds since 1970: as far into an hour in every run, so that windows are the same, and
# so long ago that the last one is past. A topic forgets what is older than it keeps: behind a marker of a transaction,
# with the time of today, a segment of old records ends, and is deleted, be it a state's changelog.
START = (int(time.time()) - 54_000) // 3_600 * 3_600 + 800


class NotYet(Exception):
    """What was waited for, and has not come."""


def until(what, find, seconds=PATIENCE):
    """Asks again until there is something true. What it finds beside is said if it is never so."""
    end = time.monotonic() + seconds
    while True:
        found, seen = find()
        if found:
            return found
        if time.monotonic() > end:
            raise NotYet(f"{what}: not after {seconds} s: {seen}")
        time.sleep(0.05)


def create(topics, partitions, replicas=3, servers=SERVERS, **config):
    admin = AdminClient({"bootstrap.servers": servers})
    for made in admin.create_topics([NewTopic(name, partitions, replicas, config=config) for name in topics]).values():
        made.result(20)


class Writer:
    """Writes numbers under keys that come round, and counts what it has written of each."""

    def __init__(self, topic, keys, servers=SERVERS):
        self.producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True, "linger.ms": 5})
        self.topic, self.keys, self.written, self.counts = topic, keys, 0, {}

    def write(self, count):
        failed = []
        for number in range(self.written, self.written + count):
            key = f"key-{number % self.keys}"
            self.counts[key] = self.counts.get(key, 0) + 1
            while True:
                try:
                    # A record's time is its number in seconds: what falls into a window is the same in every run.
                    self.producer.produce(
                        self.topic, str(number), key, timestamp=1_000 * (START + number),
                        on_delivery=lambda error, _: error and failed.append(str(error)),
                    )
                    break
                except BufferError:
                    self.producer.poll(0.1)
            self.producer.poll(0)
        left = self.producer.flush(PATIENCE)
        if failed or left:
            raise NotYet(f"{left} records of {self.topic} were not written, {len(failed)} failed: {failed[:1]}")
        self.written += count

    def windows(self, seconds):
        """How many records of a key are in a window of so many seconds, by key and the window's start."""
        counts = {}
        for number in range(self.written):
            key = f"key-{number % self.keys}@{(START + number) // seconds * seconds}"
            counts[key] = counts.get(key, 0) + 1
        return counts


class Log:
    """A topic as it is read from its beginning: each record, and the newest value of each key."""

    def __init__(self, topic, partitions, servers=SERVERS):
        self.consumer = Consumer({
            "bootstrap.servers": servers, "group.id": "driver", "enable.auto.commit": False,
            "auto.offset.reset": "earliest", "enable.partition.eof": True,
        })
        # Where partitions ended when it came there: behind a marker of a transaction its position is not.
        self.ended = {}
        self.partitions = [TopicPartition(topic, at, OFFSET_BEGINNING) for at in range(partitions)]
        self.consumer.assign(self.partitions)
        self.records, self.newest = [], {}

    def read(self):
        """Reads some of what has come since."""
        for record in self.consumer.consume(5_000, timeout=0.1):
            if record.error():
                if record.error().code() == KafkaError._PARTITION_EOF:
                    self.ended[record.partition()] = record.offset()
                    continue
                # A topic that is not yet there is waited for.
                if record.error().code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
                    continue
                raise KafkaException(record.error())
            self.records.append(record)
            self.newest[record.key()] = record.value()
        return self

    def whole(self):
        """Reads to where the topic ends now."""
        ends = [self.consumer.get_watermark_offsets(one, timeout=20)[1] for one in self.partitions]

        def behind():
            self.read()
            have = [
                max(one.offset, self.ended.get(one.partition, 0)) for one in self.consumer.position(self.partitions)
            ]
            return all(at >= end for at, end in zip(have, ends)), f"{have} of {ends}"

        until("a topic is read to its end", behind)
        return self

    def numbers(self):
        """The newest value of each key, where values are numbers as text, or end with `=` and a number."""
        self.read()
        return {key.decode(): int(value.split(b"=")[-1]) for key, value in self.newest.items() if value is not None}


def tally(log, want, *workers):
    """For `until`: whether every key has come to its count, or beyond."""
    for worker in workers:
        worker.alive()
    have = log.numbers()
    lacking = [f"{key} {have.get(key, 0)} of {count}" for key, count in want.items() if have.get(key, 0) < count]
    return not lacking, f"{len(lacking)} keys have too few: {', '.join(lacking[:3])}"


def compare(have, want, of=""):
    """How many keys have less than they should, as much, and more."""
    both = [(have.get(key, 0), count) for key, count in want.items()]
    return {
        f"{of}too few": sum(had < count for had, count in both),
        f"{of}equal": sum(had == count for had, count in both),
        f"{of}too many": sum(had > count for had, count in both) + len(set(have) - set(want)),
    }


def committed(servers, group, topic, partitions):
    """The sum of the offsets that a group has committed."""
    asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, at) for at in range(partitions)])
    admin = AdminClient({"bootstrap.servers": servers})
    answer = admin.list_consumer_group_offsets([asked])[group].result(20)
    return sum(max(one.offset, 0) for one in answer.topic_partitions)


class Worker:
    """A process of the program. What it prints goes where the log of the whole goes."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=sys.stderr)

    def alive(self):
        """Raises if it has ended by itself."""
        if (code := self.process.poll()) is not None:
            raise NotYet(f"a process of the program has ended with {code}")

    def stop(self):
        """Ends it in order."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise NotYet(f"a process of the program has not ended {PATIENCE} s after SIGTERM") from None

    def crash(self):
        """Ends it at once."""
        self.process.kill()
        self.process.wait()


def control(line):
    """Has the cluster do a fault."""
    print(json.dumps({"control": line}), flush=True)
    if sys.stdin.readline().strip() != "ok":
        raise NotYet(f"{line}: refused")


@contextlib.contextmanager
def told():
    """Ends with a line for the runner: what is put into it as `version` and `counts`, or what was not so."""
    line = {}
    try:
        yield line
    except Exception as error:
        line = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(line), flush=True)


def java(main, *arguments):
    """A process of Java, with what was fetched and built. It starts quickly rather than runs fast."""
    made = f"{os.environ['MADE']}/java"
    return Worker(
        "java", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.showDateTime=true", "-cp", f"{made}/classes:{made}/lib/*", main, *map(str, arguments),
    )


def version(jar):
    """The version of a jar, by its name."""
    found = Path(os.environ["MADE"], "java/lib").glob(f"{jar}-[0-9]*.jar")
    return next(found).stem.removeprefix(f"{jar}-")


def properties(name, settings):
    """Writes a file of properties, and gives its name."""
    Path(name).write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    return name


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
