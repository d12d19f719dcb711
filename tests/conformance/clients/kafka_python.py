"""kafka-python."""

import sys

import kafka
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.structs import OffsetAndMetadata
from wire import collect, serve


class Client:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap.split(",")
        self.admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        self.member = None

    def create(self, topic, partitions, replication):
        self.admin.create_topics([NewTopic(topic, num_partitions=partitions, replication_factor=replication)])

    def delete(self, topic):
        self.admin.delete_topics([topic])

    def topics(self):
        return sorted(self.admin.list_topics())

    def describe(self, topic):
        [found] = self.admin.describe_topics([topic])
        if found["error_code"]:
            raise RuntimeError(f"error {found['error_code']}")
        partitions = sorted(found["partitions"], key=lambda p: p.get("partition_index", p.get("partition")))
        return [
            {
                "partition": p.get("partition_index", p.get("partition")),
                "leader": p.get("leader_id", p.get("leader")),
                "replicas": sorted(p.get("replica_nodes", p.get("replicas"))),
                "isr": sorted(p.get("isr_nodes", p.get("isr"))),
            }
            for p in partitions
        ]

    def produce(self, topic, partition, values, acks, compression, idempotent, timestamp):
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap, acks={"all": "all", "1": 1, "0": 0}[acks],
            compression_type=None if compression == "none" else compression, enable_idempotence=idempotent, linger_ms=5,
        )
        sent = [
            producer.send(topic, value.encode(), f"k{at}".encode(), partition=partition,
                          timestamp_ms=timestamp + at if timestamp else None)
            for at, value in enumerate(values)
        ]
        producer.flush(20)
        for one in sent:
            one.get(20)
        producer.close()

    def reader(self):
        return KafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False)

    def read(self, topic, partition, offset, count):
        consumer = self.reader()
        consumer.assign([TopicPartition(topic, partition)])
        consumer.seek(TopicPartition(topic, partition), offset)
        try:
            return collect(lambda wait: take(consumer, wait), count, 20)
        finally:
            consumer.close()

    def offsets(self, topic, partition):
        consumer, of = self.reader(), TopicPartition(topic, partition)
        try:
            return [consumer.beginning_offsets([of])[of], consumer.end_offsets([of])[of]]
        finally:
            consumer.close()

    def offset_at(self, topic, partition, time):
        consumer, of = self.reader(), TopicPartition(topic, partition)
        try:
            return consumer.offsets_for_times({of: time})[of].offset
        finally:
            consumer.close()

    # ---- groups

    def join(self, group, topic):
        self.early = []
        self.member = KafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=group, enable_auto_commit=False,
            auto_offset_reset="earliest", session_timeout_ms=6000, heartbeat_interval_ms=500,
        )
        # A leader that joined before it knew the topic's partitions takes each of its own assignments for out of date,
        # and rebalances without end.
        self.member.partitions_for_topic(topic)
        self.member.subscribe([topic])

    def assigned(self):
        self.early += take(self.member, 0.1)
        return sorted(p.partition for p in self.member.assignment())

    def take(self, count, timeout):
        early, self.early = self.early, []
        return early + collect(lambda wait: take(self.member, wait), count - len(early), timeout)

    def commit(self):
        self.member.commit()

    def leave(self):
        self.member.close()

    def committed(self, group, topic):
        found = self.admin.list_group_offsets([group])[group]
        return {of.partition: one.offset for of, one in found.items() if of.topic == topic}

    def reset(self, group, topic, offsets):
        wanted = {TopicPartition(topic, int(p)): OffsetAndMetadata(offset, "", -1) for p, offset in offsets.items()}
        self.admin.alter_group_offsets(group, wanted)

    def groups(self):
        return sorted(group["group_id"] for group in self.admin.list_groups())

    def describe_group(self, group):
        found = self.admin.describe_groups([group])
        found = found[group] if isinstance(found, dict) else found[0]
        return {"state": found["group_state"].lower(), "members": len(found["members"])}

    def delete_group(self, group):
        # It gives errors in its answer.
        answer = self.admin.delete_groups([group])
        if answer != {group: "OK"}:
            raise RuntimeError(answer)


def take(consumer, wait):
    return [
        {"partition": r.partition, "offset": r.offset, "key": r.key.decode(), "value": r.value.decode(),
         "timestamp": r.timestamp}
        for records in consumer.poll(timeout_ms=int(wait * 1000), max_records=500).values() for r in records
    ]


if __name__ == "__main__":
    serve(
        Client(sys.argv[1]),
        {"compression": ["none", "gzip", "snappy", "lz4", "zstd"], "idempotent": True, "assign": True, "admin": True,
         "offset_at": True, "group": True, "group_admin": True, "reset": True, "delete_group": True},
        kafka.__version__,
    )
