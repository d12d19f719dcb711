"""kafka-python."""

import queue
import sys
import threading

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

    def transact(self, topic, id, rounds):
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, transactional_id=id)
        producer.init_transactions()
        for values, commit in rounds:
            producer.begin_transaction()
            for at, value in enumerate(values):
                producer.send(topic, value.encode(), f"k{at}".encode(), partition=at % 2)
            producer.flush(20)
            producer.commit_transaction() if commit else producer.abort_transaction()
        producer.close()

    def reader(self):
        return KafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False)

    def read(self, topic, partition, offset, count):
        consumer = self.reader()
        consumer.assign([TopicPartition(topic, partition)])
        consumer.seek(TopicPartition(topic, partition), offset)
        try:
            records = collect(lambda wait: take(consumer, wait), count, 20)
            for record in records:
                del record["of"]
            return records
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
        self.member = Member(self.bootstrap, group, topic)

    def assigned(self):
        return self.member.assigned()

    def take(self, count, timeout):
        return self.member.take(count, timeout)

    def commit(self):
        self.member.commit()

    def leave(self):
        self.member.leave()

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


class Member:
    """A member whose program polls without a pause, as programs do: a join that is answered between two polls is lost to
    kafka-python 3.0, which then joins anew and makes the others do so too."""

    def __init__(self, bootstrap, group, topic):
        self.consumer = KafkaConsumer(
            bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False,
            auto_offset_reset="earliest", session_timeout_ms=6000, heartbeat_interval_ms=500,
        )
        # A leader that joined before it knew the topic's partitions takes its first assignment for out of date.
        self.consumer.partitions_for_topic(topic)
        self.consumer.subscribe([topic])
        self.read, self.taken, self.commands = queue.Queue(), {}, queue.Queue()
        self.owned, self.left = [], False
        self.thread = threading.Thread(target=self.poll, daemon=True)
        self.thread.start()

    def poll(self):
        while not self.left:
            for record in take(self.consumer, 0.2):
                self.read.put(record)
            self.owned = sorted(p.partition for p in self.consumer.assignment())
            while not self.commands.empty():
                command, done = self.commands.get()
                try:
                    done.put(command())
                except Exception as error:
                    done.put(error)

    def do(self, command):
        """Does something with the consumer, in the thread that has it."""
        done = queue.Queue()
        self.commands.put((command, done))
        answer = done.get(timeout=30)
        if isinstance(answer, Exception):
            raise answer

    def assigned(self):
        return self.owned

    def take(self, count, timeout):
        def some(wait):
            try:
                return [self.read.get(timeout=wait)]
            except queue.Empty:
                return []
        records = collect(some, count, timeout)
        for record in records:
            self.taken[record.pop("of")] = record["offset"] + 1
        return records

    def commit(self):
        offsets = {of: OffsetAndMetadata(offset, "", -1) for of, offset in self.taken.items()}
        self.do(lambda: self.consumer.commit(offsets))

    def leave(self):
        self.left = True
        self.thread.join(30)
        self.consumer.close()


def take(consumer, wait):
    return [
        {"of": of, "partition": r.partition, "offset": r.offset, "key": r.key.decode(), "value": r.value.decode(),
         "timestamp": r.timestamp}
        for of, records in consumer.poll(timeout_ms=int(wait * 1000), max_records=500).items() for r in records
    ]


if __name__ == "__main__":
    serve(
        Client(sys.argv[1]),
        {"compression": ["none", "gzip", "snappy", "lz4", "zstd"], "idempotent": True, "assign": True, "admin": True,
         "offset_at": True, "group": True, "group_admin": True, "reset": True, "delete_group": True,
         "transact": True},
        kafka.__version__,
    )
