// In Node: its types and KafkaJS's, and none of a browser.
import { Cluster } from "blumfeld";
import { Kafka, type Producer } from "kafkajs";

export async function client(): Promise<Producer> {
  const { brokers, socketFactory } = await Cluster.start();
  return new Kafka({ brokers, socketFactory }).producer();
}
