"""kcat: a command line for each command, and a process that stays for a group's member."""

import json
import re
import signal
import subprocess
import sys
import threading
import time

from wire import collect, serve

FORMAT = '{"partition":%p,"offset":%o,"key":"%k","value":"%s","timestamp":%T}\n'


class Client:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.member = None

    def run(self, *arguments, text=None):
        done = subprocess.run(
            ["kcat", "-b", self.bootstrap, *arguments], input=text, capture_output=True, text=True, timeout=30
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return done

    def metadata(self, *arguments):
        return json.loads(self.run("-L", "-J", *arguments).stdout)["topics"]

    def topics(self):
        return sorted(topic["topic"] for topic in self.metadata())

    def describe(self, topic):
        [found] = self.metadata("-t", topic)
        if "error" in found or not found["partitions"]:
            raise RuntimeError(found.get("error", "no partitions"))
        return [
            {"partition": p["partition"], "leader": p["leader"], "replicas": sorted(r["id"] for r in p["replicas"]),
             "isr": sorted(r["id"] for r in p["isrs"])}
            for p in sorted(found["partitions"], key=lambda p: p["partition"])
        ]

    def produce(self, topic, partition, values, acks, compression, idempotent, timestamp):
        lines = "".join(f"k{at}|{value}\n" for at, value in enumerate(values))
        self.run(
            "-P", "-t", topic, "-p", str(partition), "-K|", "-X", f"acks={acks}", "-X", f"compression.codec={compression}",
            "-X", f"enable.idempotence={str(idempotent).lower()}", text=lines,
        )

    def read(self, topic, partition, offset, count):
        done = self.run("-C", "-t", topic, "-p", str(partition), "-o", str(offset), "-c", str(count), "-e", "-q", "-f", FORMAT)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def offsets(self, topic, partition):
        return [self.offset_at(topic, partition, -2), self.offset_at(topic, partition, -1)]

    def offset_at(self, topic, partition, time):
        done = self.run("-Q", "-t", f"{topic}:{partition}:{time}")
        return int(re.search(r"offset (-?\d+)", done.stdout).group(1))

    # ---- groups

    def join(self, group, topic):
        self.records, self.owned = [], []
        self.member = subprocess.Popen(
            ["kcat", "-b", self.bootstrap, "-G", group, "-u", "-f", FORMAT, "-X", "session.timeout.ms=6000",
             "-X", "heartbeat.interval.ms=500", "-X", "auto.offset.reset=earliest", "-X", "auto.commit.interval.ms=100",
             topic],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        threading.Thread(target=self.listen, args=(self.member,), daemon=True).start()
        threading.Thread(target=self.watch, args=(self.member,), daemon=True).start()

    def listen(self, member):
        for line in member.stdout:
            self.records.append(json.loads(line))

    def watch(self, member):
        for line in member.stderr:
            sys.stderr.write(line)
            if "assigned:" in line:
                self.owned = sorted(int(number) for number in re.findall(r"\[(\d+)\]", line.split("assigned:")[1]))
            elif "revoked:" in line:
                self.owned = []

    def assigned(self):
        time.sleep(0.1)
        return self.owned

    def take(self, count, timeout):
        def poll(wait):
            time.sleep(min(wait, 0.02))
            found, self.records = self.records, []
            return found
        return collect(poll, count, timeout)

    def commit(self):
        # It commits by itself, at the earliest a second after it got something.
        time.sleep(2)

    def leave(self):
        self.member.send_signal(signal.SIGINT)
        self.member.wait(15)


if __name__ == "__main__":
    text = subprocess.run(["kcat", "-V"], capture_output=True, text=True).stdout
    version = re.search(r"Version (\S+) .*librdkafka (\S+)", text, re.S)
    serve(
        Client(sys.argv[1]),
        {"compression": ["none", "gzip", "snappy", "lz4", "zstd"], "idempotent": True, "assign": True, "admin": False,
         "offset_at": True, "timestamps": False, "group": True},
        f"{version.group(1)}, librdkafka {version.group(2)}" if version else text.strip(),
    )
