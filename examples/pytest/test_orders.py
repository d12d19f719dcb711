"""A program that writes and reads orders, with confluent-kafka."""

import time
import uuid

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic


def create_topic(servers, name, partitions=1):
    admin = AdminClient({"bootstrap.servers": servers})
    admin.create_topics([NewTopic(name, partitions, 3)])[name].result(30)
    return admin


def write(producer, topic, orders):
    """Writes orders, and gives once all replicas in sync have them."""
    errors = []
    for order in orders:
        producer.produce(topic, order, key=order[-1:], headers={"source": "shop"},
                         on_delivery=lambda error, _: error and errors.append(error))
    assert producer.flush(60) == 0
    assert errors == []


def read(servers, topic, count):
    """Reads so many orders from the beginning, as a member of a group."""
    consumer = Consumer({
        "bootstrap.servers": servers, "group.id": f"readers-{uuid.uuid4()}", "auto.offset.reset": "earliest",
    })
    consumer.subscribe([topic])
    messages, end = [], time.monotonic() + 60
    while len(messages) < count:
        assert time.monotonic() < end, f"{len(messages)} of {count} orders came"
        message = consumer.poll(1)
        if message is not None:
            assert message.error() is None, message.error()
            messages.append(message)
    consumer.close()
    return messages


def test_orders_come_back_with_their_keys_and_headers(bootstrap_servers):
    topic = f"orders-{uuid.uuid4()}"
    create_topic(bootstrap_servers, topic, partitions=3)
    orders = [f"order {number}" for number in range(20)]
    write(Producer({"bootstrap.servers": bootstrap_servers}), topic, orders)
    messages = read(bootstrap_servers, topic, 20)
    assert sorted(message.value().decode() for message in messages) == sorted(orders)
    assert all(message.key() == message.value()[-1:] for message in messages)
    assert messages[0].headers() == [("source", b"shop")]


def test_no_order_is_lost_when_the_leader_crashes(cluster):
    admin = create_topic(cluster.bootstrap_servers, "orders")
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers, "enable.idempotence": True})
    write(producer, "orders", [f"order {number}" for number in range(50)])

    leader = admin.list_topics("orders", 30).topics["orders"].partitions[0].leader
    cluster.control(f"fault crash {leader}")
    # The program goes on, and knows nothing of it.
    write(producer, "orders", [f"order {number}" for number in range(50, 100)])

    values = [message.value().decode() for message in read(cluster.bootstrap_servers, "orders", 100)]
    assert values == [f"order {number}" for number in range(100)]
