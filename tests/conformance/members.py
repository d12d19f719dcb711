"""A broker joins the running cluster and leaves it again, as librdkafka sees it."""

import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

TOPIC = "on-the-fourth"
RECORDS = 1_000
# Nothing here takes longer, in seconds.
PATIENCE = 60


def until(what, look):
    """Asks until the answer is what it should be."""
    end = time.monotonic() + PATIENCE
    while not look():
        if time.monotonic() > end:
            raise AssertionError(f"it is not so that {what}")


def refused(gateway, line, why):
    try:
        gateway.control(line)
    except AssertionError as error:
        if why not in str(error):
            raise
    else:
        raise AssertionError(f"{line} was done")


def a_broker_joins_and_leaves(gateway):
    admin = AdminClient({"bootstrap.servers": gateway.bootstrap, "topic.metadata.refresh.interval.ms": 1_000})
    brokers = lambda: sorted(admin.list_topics(timeout=10).brokers)
    consumer = Consumer({"bootstrap.servers": gateway.bootstrap, "group.id": "audit", "enable.auto.commit": False})
    # So that __consumer_offsets is there before the fourth broker could be given a part of it.
    consumer.committed([TopicPartition(TOPIC, 0)], timeout=PATIENCE)
    gateway.control("broker add --rack b")
    until("four brokers are there", lambda: brokers() == [1, 2, 3, 4])
    # Its only replica is the new broker's: what is written and read goes through the new port.
    made = admin.create_topics([NewTopic(TOPIC, 1, replica_assignment=[[4]])])
    made[TOPIC].result(20)
    producer, failed = Producer({"bootstrap.servers": gateway.bootstrap, "acks": "all"}), []
    for number in range(RECORDS):
        producer.produce(TOPIC, str(number), on_delivery=lambda error, _: failed.append(str(error)) if error else None)
    if producer.flush(PATIENCE) or failed:
        raise AssertionError(f"{len(failed)} failed: {failed[:1]}")
    consumer.assign([TopicPartition(TOPIC, 0, OFFSET_BEGINNING)])
    values = [record.value().decode() for record in consumer.consume(RECORDS, timeout=PATIENCE)]
    consumer.close()
    if values != [str(number) for number in range(RECORDS)]:
        raise AssertionError(f"{len(values)} records were read: {values[:3]}")
    refused(gateway, "broker remove 4", f"broker-4 has a replica of {TOPIC}-0")
    refused(gateway, "broker remove 1", "broker-1 is a voter of the metadata quorum")
    refused(gateway, "broker add 4", "there is a broker 4 already")
    refused(gateway, "broker grow", "`grow` is not understood")
    admin.delete_topics([TOPIC])[TOPIC].result(20)
    gateway.control("broker remove 4")
    until("three brokers are there", lambda: brokers() == [1, 2, 3])
    # Its port is free again for the next one.
    gateway.control("broker add 4")
    until("the fourth is back", lambda: brokers() == [1, 2, 3, 4])
