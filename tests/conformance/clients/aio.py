"""aiokafka."""

import asyncio
import sys
import threading
import time

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from wire import serve


class Client:
    """Runs its coroutines in one loop, which goes on between two commands: members send their heartbeats."""

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.member = None
        self.started = None

    def __getattr__(self, name):
        coroutine = getattr(Commands, name)
        return lambda **arguments: asyncio.run_coroutine_threadsafe(coroutine(self, **arguments), self.loop).result(60)

    async def with_admin(self, use):
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            return await use(admin)
        finally:
            await admin.close()

    async def with_consumer(self, use, **more):
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False, **more)
        await consumer.start()
        try:
            return await use(consumer)
        finally:
            await consumer.stop()


class Commands:
    async def create(self, topic, partitions, replication):
        async def use(admin):
            answer = await admin.create_topics([NewTopic(topic, partitions, replication)])
            for error in answer.topic_errors:
                if error[1]:
                    raise RuntimeError(error)
        await self.with_admin(use)

    async def delete(self, topic):
        async def use(admin):
            await admin.delete_topics([topic])
        await self.with_admin(use)

    async def topics(self):
        async def use(admin):
            return sorted(await admin.list_topics())
        return await self.with_admin(use)

    async def describe(self, topic):
        async def use(admin):
            [found] = await admin.describe_topics([topic])
            if found["error_code"]:
                raise RuntimeError(f"error {found['error_code']}")
            return [
                {"partition": p["partition"], "leader": p["leader"], "replicas": sorted(p["replicas"]),
                 "isr": sorted(p["isr"])}
                for p in sorted(found["partitions"], key=lambda p: p["partition"])
            ]
        return await self.with_admin(use)

    async def produce(self, topic, partition, values, acks, compression, idempotent, timestamp):
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, acks={"all": "all", "1": 1, "0": 0}[acks],
            compression_type=None if compression == "none" else compression, enable_idempotence=idempotent, linger_ms=5,
        )
        await producer.start()
        try:
            sent = [
                await producer.send(topic, value.encode(), f"k{at}".encode(), partition=partition,
                                    timestamp_ms=timestamp + at if timestamp else None)
                for at, value in enumerate(values)
            ]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    async def transact(self, topic, id, rounds):
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, transactional_id=id)
        await producer.start()
        try:
            for values, commit in rounds:
                await producer.begin_transaction()
                sent = [
                    await producer.send(topic, value.encode(), f"k{at}".encode(), partition=at % 2)
                    for at, value in enumerate(values)
                ]
                await asyncio.gather(*sent)
                await (producer.commit_transaction() if commit else producer.abort_transaction())
        finally:
            await producer.stop()

    async def read(self, topic, partition, offset, count):
        async def use(consumer):
            of = TopicPartition(topic, partition)
            consumer.assign([of])
            consumer.seek(of, offset)
            return await collect(consumer, count, 20)
        return await self.with_consumer(use)

    async def offsets(self, topic, partition):
        async def use(consumer):
            of = TopicPartition(topic, partition)
            return [(await consumer.beginning_offsets([of]))[of], (await consumer.end_offsets([of]))[of]]
        return await self.with_consumer(use)

    async def offset_at(self, topic, partition, time):
        async def use(consumer):
            of = TopicPartition(topic, partition)
            return (await consumer.offsets_for_times({of: time}))[of].offset
        return await self.with_consumer(use)

    # ---- groups

    async def join(self, group, topic):
        self.early = []
        self.member = AIOKafkaConsumer(
            topic, bootstrap_servers=self.bootstrap, group_id=group, enable_auto_commit=False,
            auto_offset_reset="earliest", session_timeout_ms=6000, heartbeat_interval_ms=500,
        )
        # It waits until it is a member, for which the others have to rejoin meanwhile.
        self.started = asyncio.ensure_future(self.member.start())
        await asyncio.sleep(0.1)

    async def assigned(self):
        if not self.started.done():
            await asyncio.wait([self.started], timeout=0.2)
            return []
        self.early += await collect(self.member, 500, 0.2)
        return sorted(of.partition for of in self.member.assignment())

    async def take(self, count, timeout):
        await asyncio.wait_for(self.started, 30)
        early, self.early = self.early, []
        return early + await collect(self.member, count - len(early), timeout)

    async def commit(self):
        await self.member.commit()

    async def leave(self):
        await self.member.stop()

    async def committed(self, group, topic):
        async def use(admin):
            found = await admin.list_consumer_group_offsets(group)
            return {of.partition: one.offset for of, one in found.items() if of.topic == topic}
        return await self.with_admin(use)

    async def groups(self):
        async def use(admin):
            return sorted(group[0] for group in await admin.list_consumer_groups())
        return await self.with_admin(use)

    async def describe_group(self, group):
        async def use(admin):
            [answer] = await admin.describe_consumer_groups([group])
            found = answer.groups[0]
            return {"state": found[2].lower(), "members": len(found[5])}
        return await self.with_admin(use)


async def collect(consumer, count, timeout):
    records, end = [], time.monotonic() + timeout
    while len(records) < count and (left := end - time.monotonic()) > 0:
        found = await consumer.getmany(timeout_ms=int(min(200, left * 1000)), max_records=500)
        records += [
            {"partition": r.partition, "offset": r.offset, "key": r.key.decode(), "value": r.value.decode(),
             "timestamp": r.timestamp}
            for part in found.values() for r in part
        ]
    return records


if __name__ == "__main__":
    serve(
        Client(sys.argv[1]),
        {"compression": ["none", "gzip", "snappy", "lz4", "zstd"], "idempotent": True, "assign": True, "admin": True,
         "offset_at": True, "group": True, "group_admin": True, "reset": False, "transact": True},
        aiokafka.__version__,
    )
