// A program with a producer of ours and a consumer of KafkaJS. Gives what the producer was told, and what was read.
import { Kafka, logLevel } from "kafkajs";

/** A client of a cluster. */
export function client({ brokers, socketFactory }) {
  return new Kafka({ clientId: "check", logLevel: logLevel.NOTHING, brokers, socketFactory });
}

/** Makes the topic `orders` with so many partitions. */
export async function orders(cluster, numPartitions = 3, configEntries = []) {
  const admin = client(cluster).admin();
  await admin.connect();
  const topics = [{ topic: "orders", numPartitions, replicationFactor: cluster.brokers.length, configEntries }];
  await admin.createTopics({ topics, waitForLeaders: true });
  await admin.disconnect();
}

/** Reads `count` records of `orders`. */
export async function read(cluster, count) {
  const found = [];
  const consumer = client(cluster).consumer({ groupId: "check" });
  await consumer.connect();
  await consumer.subscribe({ topic: "orders", fromBeginning: true });
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    const eachMessage = async ({ partition, message: { offset, key, value, headers } }) => {
      found.push([partition, Number(offset), key?.toString(), value?.toString(), headers?.at?.toString()]);
      if (found.length === count) resolve();
    };
    consumer.run({ eachMessage }).catch(reject);
  });
  await consumer.disconnect();
  return found.sort(([a, m], [b, n]) => a - b || m - n);
}

export async function script(cluster, partitioner) {
  await orders(cluster);
  const producer = await cluster.producer({ acks: "all", "linger.ms": 5, partitioner });
  const values = ["2-하나", "0-b", "2-c", "1-d", "1-e", "2-f"];
  const sending = values.map((value, at) =>
    producer.send({ topic: "orders", key: new Uint8Array([65 + at]), value, headers: { at: `${at}` } }),
  );
  await producer.flush();
  const sent = await Promise.all(sending);
  await producer.close();
  return {
    sent: sent.map(({ timestamp, ...rest }) => ({ ...rest, timestamp: timestamp > 0 })),
    read: await read(cluster, values.length),
  };
}
