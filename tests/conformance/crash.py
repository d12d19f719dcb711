"""A leader crashes under the load of an idempotent librdkafka: every record is in the log once, and in order within its key."""

from collections import Counter

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

RECORDS = 1_000_000
KEYS = 1_000
PARTITIONS = 6
TOPIC = "orders"


def leader_of(admin, partition):
    return admin.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions[partition].leader


def write(gateway, admin):
    """A crash of the first partition's leader when three tenths are written, and its return at six tenths."""
    producer = Producer({
        "bootstrap.servers": gateway.bootstrap, "acks": "all", "enable.idempotence": True, "linger.ms": 5,
        "queue.buffering.max.messages": RECORDS // 10, "delivery.timeout.ms": 120_000,
    })
    failed, crashed = [], None

    def delivered(error, _):
        if error:
            failed.append(str(error))

    for number in range(RECORDS):
        if number == RECORDS * 3 // 10:
            crashed = leader_of(admin, 0)
            gateway.control(f"fault crash {crashed}")
        if number == RECORDS * 6 // 10:
            gateway.control(f"fault restart {crashed}")
        while True:
            try:
                producer.produce(TOPIC, str(number // KEYS), str(number % KEYS), on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    left = producer.flush(120)
    if failed or left:
        raise AssertionError(f"{left} records left, {len(failed)} failed: {failed[:1]}")


def read(gateway):
    """What is in the log: so many records, and the sequence of each key."""
    consumer = Consumer({
        "bootstrap.servers": gateway.bootstrap, "group.id": "audit", "enable.auto.commit": False,
        "auto.offset.reset": "error",
    })
    partitions = [TopicPartition(TOPIC, number, OFFSET_BEGINNING) for number in range(PARTITIONS)]
    ends = {p.partition: consumer.get_watermark_offsets(p, timeout=20)[1] for p in partitions}
    consumer.assign(partitions)
    total, got, following, wrong = sum(ends.values()), 0, Counter(), []
    while got < total:
        records = consumer.consume(10_000, timeout=20)
        if not records:
            raise AssertionError(f"{got} of {total} records could be read")
        for record in records:
            if record.error():
                raise AssertionError(record.error())
            key, value = record.key(), int(record.value())
            if value != following[key]:
                wrong.append(f"key {key}: {value} at {record.partition()}@{record.offset()}, wanted {following[key]}")
            following[key] = value + 1
            got += 1
    consumer.close()
    if wrong:
        raise AssertionError(f"{len(wrong)} out of order or twice: {wrong[0]}")
    lacking = {key: count for key, count in following.items() if count != RECORDS // KEYS}
    if got != RECORDS or len(following) != KEYS or lacking:
        raise AssertionError(f"{got} records of {len(following)} keys, {len(lacking)} keys incomplete")


def a_leader_crashes_under_load(gateway):
    admin = AdminClient({"bootstrap.servers": gateway.bootstrap})
    made = admin.create_topics([NewTopic(TOPIC, PARTITIONS, 3, config={"min.insync.replicas": "2"})])
    made[TOPIC].result(20)
    write(gateway, admin)
    read(gateway)
