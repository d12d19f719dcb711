// Every method of the package, used rightly and, behind `@ts-expect-error`, wrongly. It is compiled, not run.
import { Cluster, NotYet, View } from "blumfeld";
import type {
  ClusterSocket,
  ConsumerRecord,
  GroupView,
  KafkaApi,
  KafkaErrorCode,
  KafkaError,
  ObservedRequest,
  On,
  PartitionView,
  Partitioner,
  Producer,
  ProducerRecord,
  RecordMetadata,
  TimelineView,
  ToolOutput,
  TopicView,
  TransactionView,
  Trigger,
} from "blumfeld";

export async function clusters(): Promise<void> {
  const cluster: Cluster = await Cluster.start({ brokers: 3, seed: 7, epoch: 0 });
  await Cluster.start();
  // @ts-expect-error a number of brokers
  await Cluster.start({ brokers: "3" });
  // @ts-expect-error no such option
  await Cluster.start({ broker: 3 });
  // @ts-expect-error it is started, not made
  new Cluster();
  const brokers: string[] = cluster.brokers;
  // @ts-expect-error it cannot be replaced
  cluster.brokers = brokers;

  await cluster.fault("crash 1");
  // @ts-expect-error a line
  await cluster.fault(1);
  const on: On = cluster.on({ api: "Produce", topic: "orders", partition: 0, clientId: "app", name: "late" });
  const trigger: Trigger = await on.once().error("NOT_LEADER_OR_FOLLOWER");
  const observed: ObservedRequest[] = await trigger.observed();
  void [trigger.name, observed[0]?.request["topicData"], observed[0]?.clientId];
  await trigger.off();
  await cluster.on().times(2).delay(5);
  await cluster.on().times(2).delay(5, { after: true });
  await cluster.on({ api: "Produce" }).once().duplicate();
  await cluster.on({ broker: 1 }).nth(3).drop();
  await cluster.on({ version: 9 }).every(2).disconnect({ after: true });
  await cluster.on({ connection: 4 }).withProbability(0.1).disconnect();
  await cluster.on({ api: "Metadata" }).while((view) => view.brokers.length > 1).answer({ controllerId: 7 });
  await cluster.on({ api: "Fetch" }).every().observe(5);
  await cluster.on({ api: "Fetch" }).do("crash here");
  // @ts-expect-error no such field
  cluster.on({ group: "g" });
  // @ts-expect-error a name of Kafka's
  await cluster.on({ api: "Fetch" }).error(6);
  // @ts-expect-error an object
  await cluster.on({ api: "Fetch" }).answer("{}");
  const address: string = await cluster.addBroker({ id: 4, rack: "b" });
  await cluster.removeBroker(4, { force: true });
  // @ts-expect-error which one
  await cluster.removeBroker();
  await cluster.advance(1000);
  // @ts-expect-error how far
  await cluster.advance();
  const now: number = await cluster.now();
  const trace: string[] = await cluster.trace();
  void [address, now, trace];
  const api: KafkaApi = "Vote";
  const code: KafkaErrorCode = "REQUEST_TIMED_OUT";
  await cluster.on({ api }).error(code);
  // A name that the types do not have may be one of the engine's.
  await cluster.on({ api: String(api) }).error(String(code));
  const ended: void | Promise<void> = cluster[Symbol.dispose]() ?? cluster[Symbol.asyncDispose]();
  cluster.stop();
  return ended;
}

export async function looks(cluster: Cluster): Promise<void> {
  const view: View = await cluster.view();
  const topics: TopicView[] = await cluster.topics();
  const groups: GroupView[] = await cluster.groups();
  const transactions: TransactionView[] = view.transactions;
  const open: number | undefined = view.partition("orders", 0)?.openTransactions[0]?.firstOffset;
  void [transactions, open];
  const leader: number | undefined = view.leader("orders", 0);
  const partition: PartitionView | undefined = view.partition("orders", 0);
  const state: "running" | "crashed" | undefined | string = view.broker(1)?.state;
  const generation: number | undefined = view.group("billing")?.generation;
  const config: string | undefined = view.topic("orders")?.configs["retention.ms"];
  const controller: number | undefined = view.controller();
  const told: string = view.toString();
  const committed: number | undefined = view.committed("billing", "orders", 0);
  const lag: number | undefined = view.lag("billing");
  const inSync: boolean = view.inSync("orders");
  void [committed, lag, inSync];
  // @ts-expect-error a lag may be unknown
  lag.toFixed();
  void [view.now, view.events, view.brokers, view.topics, view.groups, view.faults];
  void [topics, groups, partition, state, generation, config, controller, told];
  // @ts-expect-error a leader may be none
  leader.toFixed();
  // @ts-expect-error a view is a copy: nothing is changed by it
  view.now = 1;
  // @ts-expect-error no state of a broker
  if (view.broker(1)?.state === "dead") return;
  // @ts-expect-error a view is given, not made
  new View();
}

export async function waits(cluster: Cluster): Promise<void> {
  const view: View = await cluster.until((now) => now.leader("orders", 0) === 2, {
    describe: "broker 2 leads orders-0",
    timeoutMs: 10_000,
    advance: true,
  });
  await cluster.until(({ groups }) => groups.every((group) => group.state === "Stable"));
  // @ts-expect-error it has to answer at once
  await cluster.until(async () => true);
  const then: View = await cluster.until('leader("orders", 0) == 2', { advance: true });
  // @ts-expect-error a function or a condition
  await cluster.until(2);
  // @ts-expect-error no such option
  await cluster.until(() => true, { timeout: 10 });
  // @ts-expect-error no such property
  await cluster.until((now) => now.leaders.length > 0);
  try {
    await cluster.until(() => false);
  } catch (error) {
    if (error instanceof NotYet) void [error.view.faults, error.name === "NotYet"];
    // @ts-expect-error it is thrown, not made
    new NotYet("it", 1, view);
  }
}

export async function timelines(cluster: Cluster): Promise<void> {
  const { timeline } = cluster;
  await timeline.back(5_000);
  await timeline.to({ event: 51_234 });
  await timeline.branch("one", { from: 83_400, seed: 7 });
  const view: TimelineView = await timeline.view();
  const [first] = view.branches;
  const parent: string | null | undefined = first?.parent;
  const told: string[] = [
    await timeline.why("isr orders 0"),
    await timeline.odds("up(1)", { since: 1_000, until: { event: 9 }, seeds: 5 }),
    await timeline.diff("one"),
  ];
  void [parent, told, view.digest, view.past];
  // @ts-expect-error a moment is a number or an event
  await timeline.to("83.4");
  // @ts-expect-error no such option
  await timeline.odds("up(1)", { for: 5 });
}

export async function records(cluster: Cluster): Promise<void> {
  const found: ConsumerRecord[] = await cluster.records("orders", { partition: 0, from: 10, limit: 100 });
  const [first] = await cluster.records("orders");
  const text: string | null | undefined = first?.valueText;
  const length: number | undefined = first?.value?.length;
  const header: Uint8Array | null | undefined = first?.headers[0]?.[1];
  void [found, text, length, header];
  // @ts-expect-error a value may be none
  found[0]!.value.length;
  // @ts-expect-error a topic
  await cluster.records();
  // @ts-expect-error a number
  await cluster.records("orders", { partition: "0" });
}

export async function tools(cluster: Cluster): Promise<void> {
  await cluster.createTopic("orders");
  const configs = { "min.insync.replicas": 2, "cleanup.policy": "delete", "preallocate": false };
  await cluster.createTopic("orders", { partitions: 3, replicationFactor: 3, configs });
  // @ts-expect-error partitions
  await cluster.createTopic("orders", { numPartitions: 3 });
  // @ts-expect-error a config has a value
  await cluster.createTopic("orders", { configs: { "retention.ms": null } });
  const output: ToolOutput = await cluster.run("kafka-topics.sh --list", { stdin: "a\n", timeoutMs: 1000 });
  const exit: number = output.exit;
  await cluster.run("cat", { stdin: new Uint8Array() });
  void exit;
  // @ts-expect-error one line
  await cluster.run(["kafka-topics.sh", "--list"]);
}

export async function producers(cluster: Cluster): Promise<void> {
  const last: Partitioner = (topic, key, value, partitions) => {
    void [topic.length, key?.length, value?.length];
    return partitions.filter(({ available, leader }) => available && leader >= 0).at(-1)?.partition ?? 0;
  };
  const producer: Producer = await cluster.producer({ acks: "all", "linger.ms": 5, partitioner: last });
  await cluster.producer({ partitioner: new URL("https://example.org/partitioner.mjs") });
  await cluster.producer({ partitioner: "round-robin" });
  // @ts-expect-error a partition
  await cluster.producer({ partitioner: () => "0" });
  const record: ProducerRecord = { topic: "orders", key: "a", value: new Uint8Array(), headers: { at: "1" } };
  const stands: RecordMetadata = await producer.send(record);
  await producer.send({ topic: "orders", headers: [["at", null]], partition: 0, timestamp: 0 });
  // @ts-expect-error a topic
  await producer.send({ value: "a" });
  // @ts-expect-error bytes or a text
  await producer.send({ topic: "orders", value: 1 });
  await producer.flush();
  await producer.close().catch((error: KafkaError) => error.code?.length);
  void stands.offset;
}

export function sockets(cluster: Cluster): void {
  const socket: ClusterSocket = cluster.connect({ host: "localhost", port: 9092, name: "mine", onConnect: () => {} });
  // @ts-expect-error where to
  cluster.connect({ host: "localhost" });
  // KafkaJS calls it.
  const another: ClusterSocket = cluster.socketFactory({ host: "localhost", port: 9092, onConnect: () => {} });
  const heard = (bytes: Uint8Array): void => void bytes.length;
  socket
    .on("data", heard)
    .addListener("close", (hadError) => void (hadError === true))
    .once("connect", () => {})
    .on("error", ({ code, message }) => void [code?.length, message])
    .off("data", heard)
    .removeListener("data", heard)
    .removeAllListeners("close")
    .setKeepAlive(true)
    .setNoDelay(true)
    .setTimeout(1000)
    .ref()
    .unref()
    .pause()
    .resume();
  // @ts-expect-error no such event
  socket.on("ready", () => {});
  const heardBy: boolean = socket.emit("data", new Uint8Array());
  const taken: boolean = socket.write(new Uint8Array(), () => {}) && socket.write(new Uint8Array(), "binary", () => {});
  // @ts-expect-error bytes
  socket.write("text");
  void [another, heardBy, taken, socket.connecting, socket.destroyed, socket.remoteAddress, socket.remotePort];
  socket.end(new Uint8Array()).destroy();
}
