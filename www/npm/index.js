// A cluster, its producers, and the sockets of its clients.
import { chosen } from "./partitioner.js";
import { bytes, Producer, texts } from "./producer.js";
import { Socket } from "./socket.js";
import { follow, On, Trigger, word } from "./trigger.js";
import { NotYet, records, View } from "./view.js";

export { NotYet, View };

const STOPPED = "the cluster was stopped";
// How long something may take if nothing else is said, in virtual milliseconds.
const PATIENCE = 30_000;
// A wait that lets time go on leaves the thread to others after so many real milliseconds.
const TURN = 8;
// Of a function's text so much is told.
const TOLD = 200;

/** A whole number from `least` to `most`, or an error that names it. */
function whole(value, what, least, most) {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`${what}: ${String(value)} is no whole number from ${least} on`);
}

/** A time in milliseconds that ends. */
function finite(ms, what) {
  if (Number.isFinite(ms) && ms >= 0) return ms;
  throw new RangeError(`${what}: ${String(ms)} is not a number of milliseconds`);
}

/** A word of the console's line, whatever is in it. */
const quoted = (word) => {
  const text = String(word);
  return /^[\w.:,=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
};

/** What a function says, in short. */
const source = (call) => {
  const said = String(call).replace(/\s+/g, " ");
  return `\`${said.length > TOLD ? `${said.slice(0, TOLD)}…` : said}\``;
};

export class Cluster {
  #post;
  #stop;
  #sockets = new Map();
  #calls = new Map();
  #numbers = 0;
  #triggers = 0;
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

  /** What is to happen when requests come; see index.d.ts. */
  on(which) {
    return new On(async ({ api, name = `on${++this.#triggers}`, isSo }, rest) => {
      const call = (method, ...args) => this.#call(method, ...args);
      const view = isSo && (await this.view());
      const armed = !isSo || Boolean(isSo(view));
      // Both come to the engine before it goes on.
      const put = call("fault", `on ${api} as ${word(name)}${rest}`);
      const held = armed ? undefined : call("fault", `disarm ${word(name)}`);
      await put.catch(async (error) => {
        await held?.catch(() => {});
        throw error;
      });
      await held;
      const life = { over: false };
      const look = async (events) => new View((await call("look", events, Infinity, false)).view);
      if (isSo) follow({ name, isSo, life, armed, events: view.events, call, look });
      return new Trigger(call, String(name), life);
    }, which);
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

  /** How it stands; see index.d.ts. */
  async view() {
    return new View(await this.#call("view"));
  }

  async topics() {
    return (await this.view()).topics;
  }

  async groups() {
    return (await this.view()).groups;
  }

  /** Waits for a state; see index.d.ts. */
  async until(isSo, { describe, timeoutMs = PATIENCE, advance = false } = {}) {
    if (typeof isSo !== "function") throw new TypeError("until: what is to be so is no function");
    finite(timeoutMs, "until: timeoutMs");
    let view = await this.view();
    const deadline = view.now + timeoutMs;
    let [over, turn] = [timeoutMs === 0, performance.now()];
    for (;;) {
      const so = isSo(view);
      if (typeof so?.then === "function") {
        throw new TypeError("until: the function gave a promise, but it is asked often and has to answer at once");
      }
      if (so) return view;
      if (over) throw new NotYet(describe ?? source(isSo), timeoutMs, view);
      if (advance && performance.now() - turn > TURN) {
        await new Promise((resolve) => setTimeout(resolve));
        turn = performance.now();
      }
      const looked = await this.#call("look", view.events, deadline, advance);
      [view, over] = [new View(looked.view), looked.over];
    }
  }

  /** Reads records where they stand; see index.d.ts. */
  async records(topic, { partition, from = 0, limit = Infinity } = {}) {
    if (partition !== undefined) whole(partition, "records: partition", 0, 2 ** 31 - 1);
    whole(from, "records: from", 0, Number.MAX_SAFE_INTEGER);
    if (limit !== Infinity) whole(limit, "records: limit", 0, Number.MAX_SAFE_INTEGER);
    return records(topic, await this.#call("records", String(topic), partition, from, limit));
  }

  /** Runs a console tool; see index.d.ts. */
  async run(line, { stdin, timeoutMs = PATIENCE } = {}) {
    finite(timeoutMs, "run: timeoutMs");
    const input = bytes(stdin, "stdin") ?? new Uint8Array();
    const output = await this.#call("tool", String(line), input, timeoutMs);
    if (output.exit === null) throw new NotYet(`\`${line}\` has ended`, timeoutMs, await this.view());
    return output;
  }

  /** Creates a topic; see index.d.ts. */
  async createTopic(name, { partitions, replicationFactor, configs = {} } = {}) {
    const words = ["--bootstrap-server", this.brokers.join(","), "--create", "--topic", name];
    if (partitions !== undefined) words.push("--partitions", whole(partitions, "createTopic: partitions", 1, Infinity));
    if (replicationFactor !== undefined) {
      words.push("--replication-factor", whole(replicationFactor, "createTopic: replicationFactor", 1, Infinity));
    }
    for (const [key, value] of texts(configs)) words.push("--config", `${key}=${value}`);
    const { stdout, stderr, exit } = await this.run(["kafka-topics.sh", ...words.map(quoted)].join(" "));
    if (exit !== 0) {
      const [, exception, said] = /ERROR (?:[\w.]+\.)?(\w+Exception): (.*)/.exec(stderr) ?? [];
      const message = said ?? (stderr.trim() || stdout.trim());
      throw Object.assign(new Error(`createTopic: ${message}`), { name: exception ?? "Error" });
    }
    const serves = ({ leader, copies }) => copies.some(({ broker, online }) => broker === leader && online);
    await this.until((view) => view.topic(String(name))?.partitions.every(serves), {
      describe: `every partition of ${name} has a leader that serves`,
    });
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
