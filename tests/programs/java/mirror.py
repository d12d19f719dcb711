"""MirrorMaker 2 from a cluster to another: records, and the offsets of a group, which goes on at the other cluster."""

from confluent_kafka import Consumer
from driver import SECOND, SERVERS, Log, Writer, committed, create, java, properties, told, until, version

FIRST, MORE, PARTITIONS, KEYS = 2_000, 1_000, 4, 50
TOPIC, MIRRORED, GROUP = "orders", "one.orders", "readers"


def mirror():
    settings = {
        "clusters": "one, two", "one.bootstrap.servers": SERVERS, "two.bootstrap.servers": SECOND,
        "one->two.enabled": "true", "two->one.enabled": "false", "topics": TOPIC, "groups": GROUP,
        "sync.group.offsets.enabled": "true", "sync.group.offsets.interval.seconds": 1,
        "emit.checkpoints.interval.seconds": 1, "emit.heartbeats.interval.seconds": 1,
        "refresh.topics.interval.seconds": 5, "refresh.groups.interval.seconds": 1, "offset.lag.max": 0,
        "replication.factor": 1,
        **{f"{name}.topic.replication.factor": 1 for name in ("checkpoints", "heartbeats", "offset-syncs")},
        **{f"{name}.storage.replication.factor": 1 for name in ("config", "offset", "status")},
    }
    return java("org.apache.kafka.connect.mirror.MirrorMaker", properties("mirror.properties", settings))


def read(servers, topic, count):
    """Reads so many records as a member of the group, commits and leaves; gives their values."""
    consumer = Consumer({
        "bootstrap.servers": servers, "group.id": GROUP, "enable.auto.commit": False, "auto.offset.reset": "earliest",
    })
    consumer.subscribe([topic])
    values = []

    def more():
        values.extend(record.value() for record in consumer.consume(500, timeout=0.5) if not record.error())
        return len(values) >= count, f"{len(values)} of {count} records of {topic}"

    until(f"a member has read {topic}", more)
    consumer.commit(asynchronous=False)
    consumer.close()
    return values


def main():
    with told() as line:
        create([TOPIC], PARTITIONS)
        writer = Writer(TOPIC, KEYS)
        writer.write(FIRST)
        first = read(SERVERS, TOPIC, FIRST)
        running = mirror()
        mirrored = Log(MIRRORED, PARTITIONS, SECOND)

        def arrived(count):
            running.alive()
            have = len(mirrored.read().records)
            return have >= count, f"{have} of {count} records"

        def synced(count):
            running.alive()
            have = committed(SECOND, GROUP, MIRRORED, PARTITIONS)
            return have >= count, f"offsets of {have}, wanted {count}"

        until("the records are in the second cluster", lambda: arrived(FIRST), 120)
        until("the group's offsets are in the second cluster", lambda: synced(FIRST), 120)
        offsets = committed(SECOND, GROUP, MIRRORED, PARTITIONS)
        writer.write(MORE)
        until("more records are in the second cluster", lambda: arrived(FIRST + MORE))
        # The group goes on at the other cluster, with what it has not read at this one.
        rest = read(SECOND, MIRRORED, MORE)
        running.stop()
        values = [record.value() for record in mirrored.whole().records]
        line["version"] = version("connect-mirror")
        line["counts"] = {
            "written": writer.written, "mirrored": len(values), "different": len(set(values)),
            "other partition or offset": moved(mirrored), "read in one": len(first), "offsets in two": offsets,
            "read in two": len(rest), "read in both": len(set(first) & set(rest)),
        }


def moved(mirrored):
    """How many records stand elsewhere than in the first cluster."""
    source = Log(TOPIC, PARTITIONS).whole()

    def places(log):
        return {(record.partition(), record.offset(), record.key(), record.value()) for record in log.records}

    return len(places(source) ^ places(mirrored))


main()
