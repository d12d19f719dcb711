"""A session of librdkafka is taken back and played again from the bytes that it sent."""

import re
import time

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

TOPIC, GROUP = "orders", "billing"
RECORDS = 200
# Nothing here takes longer, in seconds.
PATIENCE = 60
MOMENT = re.compile(r"(?:It is|You are looking at) (\S+) \(event (\d+), digest ([0-9a-f]{16})\)")


def moment(gateway):
    """The event and the digest of the moment that is shown."""
    _, event, digest = MOMENT.match(gateway.control("timeline")[0]).groups()
    return int(event), digest


def alone(gateway):
    """Waits until no client is connected any more: then the past can be gone to, and back."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            gateway.control("timeline back 1ms")
            gateway.control("timeline now")
            return
        except AssertionError as error:
            if "connected" not in str(error) or time.monotonic() > end:
                raise


def write(gateway):
    admin = AdminClient({"bootstrap.servers": gateway.bootstrap})
    admin.create_topics([NewTopic(TOPIC, 1, 3)])[TOPIC].result(20)
    producer, failed = Producer({"bootstrap.servers": gateway.bootstrap, "client.id": "shop"}), []
    for number in range(RECORDS):
        producer.produce(TOPIC, str(number), on_delivery=lambda error, _: failed.append(str(error)) if error else None)
    if producer.flush(PATIENCE) or failed:
        raise AssertionError(f"{len(failed)} failed: {failed[:1]}")


def read(gateway, wanted):
    """Reads what its group has not read yet, and commits it."""
    consumer = Consumer({
        "bootstrap.servers": gateway.bootstrap, "client.id": "audit", "group.id": GROUP, "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    })
    consumer.subscribe([TOPIC])
    values = [record.value().decode() for record in consumer.consume(len(wanted), timeout=PATIENCE)]
    if values != wanted:
        raise AssertionError(f"{len(values)} records were read: {values[:3]}")
    consumer.commit(asynchronous=False)
    consumer.close()


def a_session_is_rewound_and_replayed(gateway):
    write(gateway)
    alone(gateway)
    written = moment(gateway)
    read(gateway, [str(number) for number in range(RECORDS)])
    alone(gateway)
    committed = moment(gateway)
    # Twice there and back: what the clients sent leads to the same each time.
    for _ in range(2):
        for seen in written, committed:
            gateway.control(f"timeline to event {seen[0]}")
            if moment(gateway) != seen:
                raise AssertionError(f"{seen} is {moment(gateway)} when it is played again")
    why = "\n".join(gateway.control(f"why committed {GROUP} {TOPIC} 0"))
    if not re.search(r"is 200 since .*OffsetCommit v\d+ from audit.*audit sent OffsetCommit", why, re.DOTALL):
        raise AssertionError(f"why says:\n{why}")
    # Where nothing was read yet another group may read it, in a branch; the other one has still committed.
    gateway.control(f"timeline to event {written[0]}")
    gateway.control("timeline branch again")
    read(gateway, [str(number) for number in range(RECORDS)])
    alone(gateway)
    told = "\n".join(gateway.control("timeline switch main"))
    if "* main up to" not in told or "  again forks from main at" not in told:
        raise AssertionError(told)
    gateway.control("until committed(\"billing\", \"orders\", 0) == 200")
