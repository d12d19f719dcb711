// A cluster, its producers, and the sockets of its clients.
import { callable, flag, holds, named, span, text, told, whole } from "./check.js";
import { chosen } from "./partitioner.js";
import { bytes, Producer, texts } from "./producer.js";
import { Socket } from "./socket.js";
import { Timeline } from "./timeline.js";
import { follow, On, quoted, Trigger, word } from "./trigger.js";
import { NotYet, records, View } from "./view.js";

export { NotYet, View };

const STOPPED = "the cluster was stopped";
// How long something may take if nothing else is said, in virtual milliseconds.
const PATIENCE = 30_000;
// A wait that lets time go on leaves the thread to others after so many real milliseconds.
const TURN = 8;
// So much virtual time can pass in one go, in milliseconds: close to four months.
const MOST_MS = 10_000_000_000;
// The last millisecond that a log writes with four digits of a year.
const LAST_EPOCH = Date.UTC(10_000, 0) - 1;
const MOST_BROKERS = 9;
const STARTS = ["brokers", "seed", "epoch", "worker"];
const INT32 = 2 ** 31 - 1;
const STARTED = Symbol("Cluster.start");
// Of a function's text so much is told.
const TOLD = 200;

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

  constructor(key) {
    if (key !== STARTED) throw new TypeError("use Cluster.start()");
  }

  /** Starts a cluster; see index.d.ts. */
  static async start(options = {}) {
    const { brokers = 3, seed = 1, epoch = Date.now(), worker } = named(options, "start", STARTS);
    whole(brokers, "start: brokers", 1, MOST_BROKERS);
    whole(seed, "start: seed", 0, Number.MAX_SAFE_INTEGER);
    whole(epoch, "start: epoch", 0, LAST_EPOCH);
    if (worker !== undefined && !["postMessage", "terminate"].every((name) => typeof worker?.[name] === "function")) {
      throw new TypeError(`start: worker: ${told(worker)} is no worker`);
    }
    const cluster = new Cluster(STARTED);
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
  connect(options) {
    const { host, port, onConnect, name = "script" } = named(options, "connect", ["host", "port", "onConnect", "name"]);
    text(host, "connect: host");
    whole(port, "connect: port", 0, 2 ** 16 - 1);
    text(name, "connect: name");
    if (onConnect !== undefined) callable(onConnect, "connect: onConnect");
    const number = ++this.#numbers;
    const send = (message) => {
      if ("close" in message) this.#sockets.delete(number);
      if (!this.#stopped) this.#post(message);
    };
    const socket = new Socket(send, number, host, port, onConnect);
    if (this.#stopped) {
      queueMicrotask(() => socket.handle({ closed: number, reason: STOPPED, code: "ECONNREFUSED" }));
      return socket;
    }
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
  async producer(options = {}) {
    const { partitioner = "default", ...settings } = named(options, "producer", null, "setting");
    const { class: kafkas, from } = chosen(partitioner, this.#inWorker);
    if (kafkas) settings["partitioner.class"] = kafkas;
    const id = await this.#call("producer", texts(settings), from);
    return new Producer((method, ...args) => this.#call(method, ...args), id);
  }

  async fault(line) {
    await this.#call("fault", text(line, "fault"));
  }

  /** What is to happen when requests come; see index.d.ts. */
  on(which) {
    return new On(async ({ api, name = `on${++this.#triggers}`, isSo, observes }, rest) => {
      const call = (method, ...args) => this.#call(method, ...args);
      const view = isSo && (await this.view());
      const armed = !isSo || holds(isSo, view, "while");
      // Both come to the engine before it goes on.
      const put = call("fault", `on ${api} as ${word(name)}${rest}`);
      const held = armed ? undefined : call("fault", `disarm ${word(name)}`);
      await put.catch(async (error) => {
        await held?.catch(() => {});
        throw error;
      });
      await held;
      const life = { over: false, failed: null, observes };
      const look = async (events) => new View((await call("look", events, Infinity, false)).view);
      if (isSo) follow({ name, isSo, life, armed, events: view.events, call, look });
      return new Trigger(call, name, life);
    }, which);
  }

  /** Going back in time; see index.d.ts. */
  get timeline() {
    return new Timeline((method, ...args) => this.#call(method, ...args));
  }

  /** Adds a broker; see index.d.ts. */
  async addBroker(options = {}) {
    const { id, rack } = named(options, "addBroker", ["id", "rack"]);
    if (id !== undefined) whole(id, "addBroker: id", 1, MOST_BROKERS);
    if (rack !== undefined) text(rack, "addBroker: rack");
    const address = await this.#call("addBroker", id, rack);
    this.brokers = await this.#call("bootstrap");
    return address;
  }

  /** Takes a broker away; see index.d.ts. */
  async removeBroker(id, options = {}) {
    whole(id, "removeBroker", 1, MOST_BROKERS);
    const { force = false } = named(options, "removeBroker", ["force"]);
    await this.#call("removeBroker", id, flag(force, "removeBroker: force"));
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
  async until(isSo, options = {}) {
    if (typeof isSo !== "string") callable(isSo, "until");
    const known = ["describe", "timeoutMs", "advance"];
    const { describe, timeoutMs = PATIENCE, advance = false } = named(options, "until", known);
    if (describe !== undefined) text(describe, "until: describe");
    span(timeoutMs, "until: timeoutMs", MOST_MS);
    flag(advance, "until: advance");
    if (typeof isSo === "string") {
      const deadline = (await this.now()) + timeoutMs;
      const wait = await this.#call("waitFor", isSo);
      const { view, over, kept } = await this.#call("reach", wait, deadline, advance);
      if (!over) return new View(view);
      const what = describe ?? `\`${isSo}\`${kept && ` (${kept.replaceAll("\n", "; ")})`}`;
      throw new NotYet(what, timeoutMs, new View(view));
    }
    let view = await this.view();
    const deadline = view.now + timeoutMs;
    let [over, turn] = [timeoutMs === 0, performance.now()];
    for (;;) {
      if (holds(isSo, view, "until")) return view;
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
  async records(topic, options = {}) {
    text(topic, "records: topic");
    const { partition, from = 0, limit = Infinity } = named(options, "records", ["partition", "from", "limit"]);
    if (partition !== undefined) whole(partition, "records: partition", 0, INT32);
    whole(from, "records: from", 0, Number.MAX_SAFE_INTEGER);
    if (limit !== Infinity) whole(limit, "records: limit", 0, Number.MAX_SAFE_INTEGER);
    return records(topic, await this.#call("records", topic, partition, from, limit));
  }

  /** Runs a console tool; see index.d.ts. */
  async run(line, options = {}) {
    text(line, "run");
    const { stdin, timeoutMs = PATIENCE } = named(options, "run", ["stdin", "timeoutMs"]);
    span(timeoutMs, "run: timeoutMs", MOST_MS);
    const input = bytes(stdin, "run: stdin") ?? new Uint8Array();
    const output = await this.#call("tool", line, input, timeoutMs);
    if (output.exit === null) throw new NotYet(`\`${line}\` has ended`, timeoutMs, await this.view());
    return output;
  }

  /** Creates a topic; see index.d.ts. */
  async createTopic(name, options = {}) {
    text(name, "createTopic: name");
    const known = ["partitions", "replicationFactor", "configs"];
    const { partitions, replicationFactor, configs = {} } = named(options, "createTopic", known);
    named(configs, "createTopic: configs", null, "config");
    const words = ["--bootstrap-server", this.brokers.join(","), "--create", "--topic", name];
    const count = (value, what) => String(whole(value, `createTopic: ${what}`, 1, INT32));
    if (partitions !== undefined) words.push("--partitions", count(partitions, "partitions"));
    if (replicationFactor !== undefined) {
      words.push("--replication-factor", count(replicationFactor, "replicationFactor"));
    }
    for (const [key, value] of texts(configs)) words.push("--config", `${key}=${value}`);
    const { stdout, stderr, exit } = await this.run(["kafka-topics.sh", ...words.map(quoted)].join(" "));
    if (exit !== 0) {
      const [, exception, said] = /ERROR (?:[\w.]+\.)?(\w+Exception): (.*)/.exec(stderr) ?? [];
      const message = said ?? (stderr.trim() || stdout.trim());
      throw Object.assign(new Error(`createTopic: ${message}`), { name: exception ?? "Error" });
    }
    const serves = ({ leader, copies }) => copies.some(({ broker, online }) => broker === leader && online);
    await this.until((view) => view.topic(name)?.partitions.every(serves), {
      describe: `every partition of ${name} has a leader that serves`,
    });
  }

  async advance(ms) {
    await this.#call("advance", span(ms, "advance", MOST_MS));
  }

  now() {
    return this.#call("now");
  }

  trace() {
    return this.#call("trace");
  }

  stop() {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#stop();
    for (const { reject } of this.#calls.values()) reject(new Error(STOPPED));
    this.#calls.clear();
    const open = [...this.#sockets];
    this.#sockets.clear();
    // As a network tells them: later.
    for (const [closed, socket] of open) {
      queueMicrotask(() => socket.handle({ closed, reason: STOPPED, code: "ECONNRESET" }));
    }
  }

  static {
    const ends = {
      dispose() {
        this.stop();
      },
      async asyncDispose() {
        this.stop();
      },
    };
    // An older runtime has no such symbols, and nothing that would call these.
    for (const [name, value] of Object.entries(ends)) {
      if (Symbol[name]) Object.defineProperty(this.prototype, Symbol[name], { value });
    }
  }
}
