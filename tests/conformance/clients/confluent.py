"""confluent-kafka, with the librdkafka that it brings."""

import sys

import confluent_kafka
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from wire import collect, serve


class Client:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.admin = AdminClient(self.config())
        self.member = None
        self.owned = []

    def config(self, **more):
        return {"bootstrap.servers": self.bootstrap, **{key.replace("_", "."): value for key, value in more.items()}}

    def create(self, topic, partitions, replication):
        self.done(self.admin.create_topics([NewTopic(topic, partitions, replication)]))

    def delete(self, topic):
        self.done(self.admin.delete_topics([topic]))

    @staticmethod
    def done(futures):
        for future in futures.values():
            future.result(20)

    def topics(self):
        return sorted(self.admin.list_topics(timeout=10).topics)

    def describe(self, topic):
        found = self.admin.list_topics(topic, timeout=10).topics[topic]
        if found.error:
            raise KafkaException(found.error)
        return [
            {"partition": p.id, "leader": p.leader, "replicas": sorted(p.replicas), "isr": sorted(p.isrs)}
            for p in sorted(found.partitions.values(), key=lambda p: p.id)
        ]

    def produce(self, topic, partition, values, acks, compression, idempotent, timestamp):
        producer = Producer(
            self.config(acks=acks, compression_type=compression, enable_idempotence=idempotent, linger_ms=5)
        )
        failed = []
        for at, value in enumerate(values):
            producer.produce(
                topic, value, f"k{at}", partition, on_delivery=lambda error, _: error and failed.append(error),
                timestamp=timestamp + at if timestamp else 0,
            )
        left = producer.flush(20)
        if failed or left:
            raise RuntimeError(f"{left} left, {failed[:1]}")

    def transact(self, topic, id, rounds):
        producer = Producer(self.config(transactional_id=id))
        producer.init_transactions(30)
        for values, commit in rounds:
            producer.begin_transaction()
            for at, value in enumerate(values):
                producer.produce(topic, value, f"k{at}", at % 2)
            if commit:
                producer.commit_transaction(30)
            else:
                producer.flush(20)
                producer.abort_transaction(30)

    def reader(self, **more):
        return Consumer(self.config(group_id="unused", enable_auto_commit=False, auto_offset_reset="error", **more))

    def read(self, topic, partition, offset, count):
        consumer = self.reader()
        consumer.assign([TopicPartition(topic, partition, offset)])
        try:
            return collect(lambda wait: take(consumer, wait), count, 20)
        finally:
            consumer.close()

    def offsets(self, topic, partition):
        consumer = self.reader()
        try:
            return list(consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10))
        finally:
            consumer.close()

    def offset_at(self, topic, partition, time):
        consumer = self.reader()
        try:
            return consumer.offsets_for_times([TopicPartition(topic, partition, time)], timeout=10)[0].offset
        finally:
            consumer.close()

    # ---- groups

    def join(self, group, topic):
        self.member = Consumer(
            self.config(group_id=group, enable_auto_commit=False, auto_offset_reset="earliest", session_timeout_ms=6000,
                        heartbeat_interval_ms=500)
        )
        self.member.subscribe([topic])

    def assigned(self):
        self.early = getattr(self, "early", []) + take(self.member, 0.1)
        return sorted(p.partition for p in self.member.assignment())

    def take(self, count, timeout):
        early, self.early = getattr(self, "early", []), []
        return early + collect(lambda wait: take(self.member, wait), count - len(early), timeout)

    def commit(self):
        self.member.commit(asynchronous=False)

    def leave(self):
        self.member.close()
        self.early = []

    def committed(self, group, topic):
        found = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(10)
        return {p.partition: p.offset for p in found.topic_partitions if p.topic == topic}

    def reset(self, group, topic, offsets):
        partitions = [TopicPartition(topic, int(p), offset) for p, offset in offsets.items()]
        self.done(self.admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, partitions)]))

    def groups(self):
        return sorted(group.group_id for group in self.admin.list_consumer_groups().result(10).valid)

    def describe_group(self, group):
        found = self.admin.describe_consumer_groups([group])[group].result(10)
        return {"state": found.state.name.lower().replace("_", ""), "members": len(found.members)}

    def delete_group(self, group):
        self.done(self.admin.delete_consumer_groups([group]))


def take(consumer, wait):
    records = []
    for message in consumer.consume(500, wait):
        if message.error():
            if message.error().code() == KafkaError._PARTITION_EOF:
                continue
            raise KafkaException(message.error())
        records.append({
            "partition": message.partition(), "offset": message.offset(), "key": message.key().decode(),
            "value": message.value().decode(), "timestamp": message.timestamp()[1],
        })
    return records


if __name__ == "__main__":
    serve(
        Client(sys.argv[1]),
        {"compression": ["none", "gzip", "snappy", "lz4", "zstd"], "idempotent": True, "assign": True, "admin": True,
         "offset_at": True, "group": True, "group_admin": True, "reset": True, "delete_group": True,
         "transact": True},
        f"{confluent_kafka.__version__}, librdkafka {confluent_kafka.libversion()[0]}",
    )
