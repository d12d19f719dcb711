// What clients hear of a cluster that is stopped before them. Gives it as plain data.
import { Kafka, logLevel } from "kafkajs";

/** The events of a socket up to its close. */
const heard = (socket) =>
  new Promise((resolve) => {
    const events = [];
    socket.on("error", ({ code, message }) => events.push(["error", code, message]));
    socket.on("close", (hadError) => resolve([...events, ["close", hadError, socket.destroyed]]));
  });

/** Stops a cluster with sockets and KafkaJS's clients at work. */
export async function stopped(cluster) {
  await cluster.createTopic("orders");
  const { brokers, socketFactory } = cluster;
  const kafka = new Kafka({ brokers, socketFactory, logLevel: logLevel.NOTHING });
  const [producer, consumer] = [kafka.producer(), kafka.consumer({ groupId: "billing" })];
  await Promise.all([producer.connect(), consumer.connect()]);
  await consumer.subscribe({ topic: "orders", fromBeginning: true });
  const read = new Promise((resolve) => consumer.run({ eachMessage: async ({ message }) => resolve(message) }));
  await producer.send({ topic: "orders", messages: [{ value: "a" }] });
  await read;
  const [host, port] = brokers[0].split(":");
  const open = () => cluster.connect({ host, port: Number(port) });
  const [standing, connecting] = [open(), open()];
  await new Promise((resolve) => standing.once("connect", resolve));
  const told = [standing, connecting].map(heard);
  cluster.stop();
  cluster.stop();
  const atOnce = standing.destroyed;
  const late = open();
  const refused = heard(late);
  const sockets = await Promise.all([...told, refused]);
  const written = [standing, late].map((socket) => socket.write(new Uint8Array(4)));
  await Promise.all([consumer.disconnect(), producer.disconnect()]);
  return { atOnce, sockets, written };
}
