"""Kafka Streams with two instances of a program that counts, by key and in windows, over a repartition topic and
changelogs.

Without an argument one instance leaves in order, and every count is right. With `crash` the coordinator of the group
crashes and comes back, and an instance crashes, while records are written: at least once is then what Kafka promises,
so that no count may be too small. With `exactly-once` the same happens under `exactly_once_v2`, and every count is
right: what the instance that crashed had not committed is aborted, and done again by the other one.
"""

import sys

from confluent_kafka.admin import AdminClient
from driver import SERVERS, Log, Writer, compare, control, create, java, tally, told, until, version

PARTITIONS, KEYS, WINDOW = 6, 30, 300
FIRST, MORE, MANY = 6_000, 3_000, 30_000


class Run:
    def __init__(self, guarantee):
        create(["orders", "counts", "windows"], PARTITIONS)
        self.writer = Writer("orders", KEYS)
        self.counts, self.windows = Log("counts", PARTITIONS), Log("windows", PARTITIONS)
        self.admin = AdminClient({"bootstrap.servers": SERVERS})
        self.instances = [java("Streams", SERVERS, f"state-{at}", KEYS, WINDOW, guarantee) for at in range(2)]
        until("both instances are members", self.both)

    def group(self):
        return self.admin.describe_consumer_groups(["counting"], request_timeout=10)["counting"].result()

    def both(self):
        for instance in self.instances:
            instance.alive()
        members = [len(one.assignment.topic_partitions) for one in self.group().members]
        return len(members) == 2 and all(members), f"members have {members} partitions"

    def counted(self, what, *instances):
        until(f"{what} are counted", lambda: tally(self.counts, self.writer.counts, *instances), 120)
        want = self.writer.windows(WINDOW)
        until(f"{what} are counted in windows", lambda: tally(self.windows, want, *instances))

    def told(self):
        totals, windows = self.counts.whole().numbers(), self.windows.whole().numbers()
        want = self.writer.windows(WINDOW)
        return {
            "written": self.writer.written, "counted": sum(totals.values()), **compare(totals, self.writer.counts),
            "counted in windows": sum(windows.values()), **compare(windows, want, "windows "),
        }


def calm(run):
    run.writer.write(FIRST)
    run.counted("the first records", *run.instances)
    run.instances[0].stop()
    run.writer.write(MORE)
    run.counted("all records", run.instances[1])


def crashes(run):
    run.writer.write(FIRST)
    coordinator = run.group().coordinator.id
    control(f"fault crash {coordinator}")
    run.writer.write(FIRST)
    run.counted("records of the crash", *run.instances)
    control(f"fault restart {coordinator}")
    before = len(run.counts.records)
    run.writer.write(MANY)
    # Some of it is counted by now, and not all of that committed.
    until("more is counted", lambda: (len(run.counts.read().records) > before + MANY // 10, f"{before} were before"))
    run.instances[0].crash()
    run.writer.write(MORE)
    run.counted("all records", run.instances[1])


def main():
    with told() as line:
        mode = sys.argv[1:]
        run = Run("exactly_once_v2" if mode == ["exactly-once"] else "at_least_once")
        crashes(run) if mode else calm(run)
        run.instances[1].stop()
        line["version"] = version("kafka-streams")
        line["counts"] = run.told()


main()
