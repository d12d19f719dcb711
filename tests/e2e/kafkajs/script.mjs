// A program as a user of KafkaJS would write it. It knows nothing of where its brokers are: `settings` is what `new Kafka`
// takes. Gives what it saw.
import { Kafka, logLevel } from "kafkajs";

export async function script(settings) {
  const kafka = new Kafka({ clientId: "shop", logLevel: logLevel.NOTHING, ...settings });
  const admin = kafka.admin();
  await admin.connect();
  const { brokers } = await admin.describeCluster();
  await admin.createTopics({
    topics: [{ topic: "orders", numPartitions: 3, replicationFactor: Math.min(3, brokers.length) }],
    waitForLeaders: true,
  });

  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const written = [];
  for (let batch = 0; batch < 10; batch++) {
    const messages = Array.from({ length: 30 }, (_, at) => ({
      key: `customer-${at % 7}`,
      value: `주문 ${batch * 30 + at}`,
      headers: { batch: String(batch) },
    }));
    written.push(...messages.map((message) => message.value));
    await producer.send({ topic: "orders", messages, acks: -1 });
  }
  await producer.disconnect();

  const read = [];
  const consumer = kafka.consumer({ groupId: "billing" });
  await consumer.connect();
  await consumer.subscribe({ topic: "orders", fromBeginning: true });
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    consumer
      .run({
        eachMessage: async ({ partition, message }) => {
          read.push({
            partition,
            key: message.key.toString(),
            value: message.value.toString(),
            batch: message.headers.batch.toString(),
          });
          if (read.length === written.length) resolve();
        },
      })
      .catch(reject);
  });
  const {
    groups: [joined],
  } = await admin.describeGroups(["billing"]);
  await consumer.disconnect();

  const ends = await admin.fetchTopicOffsets("orders");
  const [{ partitions: committed }] = await admin.fetchOffsets({ groupId: "billing", topics: ["orders"] });
  const {
    groups: [left],
  } = await admin.describeGroups(["billing"]);
  await admin.deleteGroups(["billing"]);
  await admin.deleteTopics({ topics: ["orders"] });
  const topics = await admin.listTopics();
  await admin.disconnect();

  const partitionOf = {};
  for (const { key, partition } of read) (partitionOf[key] ??= new Set()).add(partition);
  const numbers = (list) => list.map(({ partition, offset }) => [partition, Number(offset)]).sort(([a], [b]) => a - b);
  return {
    brokers: brokers.length,
    lacking: written.filter((value) => !read.some((record) => record.value === value)),
    read: read.length,
    batchesInOrder: [0, 1, 2].every((partition) => {
      const batches = read.filter((record) => record.partition === partition).map((record) => Number(record.batch));
      return batches.every((batch, at) => at === 0 || batches[at - 1] <= batch);
    }),
    keys: Object.fromEntries(
      Object.entries(partitionOf)
        .sort()
        .map(([key, partitions]) => [key, [...partitions]]),
    ),
    ends: numbers(ends),
    committed: numbers(committed),
    group: [joined.state, joined.protocol, joined.members.length, left.state],
    topics,
  };
}
