// A cluster, its producers, and the sockets of its clients.
import { chosen } from "./partitioner.js";
import { Producer, texts } from "./producer.js";
import { Socket } from "./socket.js";

const STOPPED = "the cluster was stopped";

export class Cluster {
  #post;
  #stop;
  #sockets = new Map();
  #calls = new Map();
  #numbers = 0;
  #inWorker = false;
  #stopped = false;
  /** Where the brokers listen, for a client's configuration. */
  brokers = [];

  /** Starts a cluster; see index.d.ts. */
  static async start({ brokers = 3, seed = 1, epoch = Date.now(), worker } = {}) {
    const cluster = new Cluster();
    if (worker) await cluster.#startIn(worker, { brokers, seed, epoch });
    else await cluster.#startHere({ brokers, seed, epoch });
    cluster.brokers = await cluster.#call("bootstrap");
    return cluster;
  }

  async #startHere({ brokers, seed, epoch }) {
    const [{ load }, { Host }] = await Promise.all([import("#load"), import("./host.js")]);
    const JsDoor = await load();
    // What the engine says comes to its clients later, as on a network.
    const host = new Host(new JsDoor(brokers, seed, epoch), (message) => queueMicrotask(() => this.#handle(message)));
    this.#post = (message) => host.handle(message);
    this.#stop = () => host.end();
  }

  #startIn(worker, start) {
    this.#inWorker = true;
    return new Promise((resolve, reject) => {
      worker.onerror = (event) => reject(new Error(event.message || "the worker cannot be loaded"));
      worker.onmessage = ({ data }) => {
        if ("failed" in data) return reject(new Error(data.failed));
        if ("started" in data) return resolve();
        this.#handle(data);
      };
      this.#post = (message) => worker.postMessage(message, message.bytes ? [message.bytes.buffer] : []);
      this.#stop = () => worker.terminate();
      worker.postMessage({ start });
    });
  }

  #handle(message) {
    if ("answer" in message) {
      const call = this.#calls.get(message.answer);
      this.#calls.delete(message.answer);
      if (message.error === undefined) call?.resolve(message.value);
      else call?.reject(Object.assign(new Error(message.error.message), message.error));
      return;
    }
    const number = message.connected ?? message.data ?? message.closed;
    const socket = this.#sockets.get(number);
    if ("closed" in message) this.#sockets.delete(number);
    socket?.handle(message);
  }

  #call(method, ...args) {
    return new Promise((resolve, reject) => {
      if (this.#stopped) return reject(new Error(STOPPED));
      const call = ++this.#numbers;
      this.#calls.set(call, { resolve, reject });
      this.#post({ call, method, args });
    });
  }

  /** A connection to a broker, as `net.connect` gives one. */
  connect({ host, port, onConnect, name = "script" }) {
    const number = ++this.#numbers;
    const socket = new Socket(
      (message) => {
        if ("close" in message) this.#sockets.delete(number);
        this.#post(message);
      },
      number,
      host,
      port,
      onConnect,
    );
    this.#sockets.set(number, socket);
    this.#post({ open: number, host, port, name });
    return socket;
  }

  /** KafkaJS's `socketFactory`. */
  get socketFactory() {
    return ({ host, port, ssl, onConnect }) => {
      if (ssl) throw new Error("the brokers have no TLS listener: leave ssl out");
      return this.connect({ host, port, onConnect, name: "kafkajs" });
    };
  }

  /** Starts a producer; see index.d.ts. */
  async producer({ partitioner = "default", ...settings } = {}) {
    const { class: kafkas, from } = chosen(partitioner, this.#inWorker);
    if (kafkas) settings["partitioner.class"] = kafkas;
    const id = await this.#call("producer", texts(settings), from);
    return new Producer((method, ...args) => this.#call(method, ...args), id);
  }

  fault(line) {
    return this.#call("fault", line);
  }

  /** Adds a broker; see index.d.ts. */
  async addBroker({ id, rack } = {}) {
    if (id !== undefined && !Number.isInteger(id)) throw new TypeError(`addBroker: id ${id} is no whole number`);
    const address = await this.#call("addBroker", id, rack);
    this.brokers = await this.#call("bootstrap");
    return address;
  }

  /** Takes a broker away; see index.d.ts. */
  async removeBroker(id, { force = false } = {}) {
    if (!Number.isInteger(id)) throw new TypeError(`removeBroker: ${id} is no broker's id`);
    await this.#call("removeBroker", id, force);
    this.brokers = await this.#call("bootstrap");
  }

  advance(ms) {
    return this.#call("advance", ms);
  }

  now() {
    return this.#call("now");
  }

  trace() {
    return this.#call("trace");
  }

  stop() {
    this.#stopped = true;
    this.#stop();
    for (const { reject } of this.#calls.values()) reject(new Error(STOPPED));
    this.#calls.clear();
    this.#sockets.clear();
  }
}
