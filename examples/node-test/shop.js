// The code under test. It knows nothing of where its brokers are: `settings` is what KafkaJS takes.
import { Kafka } from "kafkajs";

export class Shop {
  #producer;

  constructor(settings) {
    const kafka = new Kafka({ clientId: "shop", ...settings });
    this.#producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  }

  open() {
    return this.#producer.connect();
  }

  /** Takes an order. Once the promise is kept, it is not lost. */
  async take(order) {
    const message = { key: order.customer, value: JSON.stringify(order) };
    await this.#producer.send({ topic: "orders", acks: -1, messages: [message] });
  }

  close() {
    return this.#producer.disconnect();
  }
}
