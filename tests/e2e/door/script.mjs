// What a test does with a cluster without a client of its own: topics, tools, reads, waits. Gives what it saw, as
// plain data.

const bytes = (array) => array && [...array];

/** The name and message of what a promise fails with. */
export const failure = (promise) =>
  promise.then(
    (value) => ["kept", JSON.stringify(value)],
    ({ name, message }) => [name, message],
  );

/** What is refused, by what is wrong with it. */
export const REFUSED = {
  "records of no topic": (cluster) => cluster.records("payments"),
  "records of no partition": (cluster) => cluster.records("orders", { partition: 2 }),
  "a partition that is no number": (cluster) => cluster.records("orders", { partition: 0.5 }),
  "an offset below 0": (cluster) => cluster.records("orders", { from: -1 }),
  "a limit that is none": (cluster) => cluster.records("orders", { limit: "2" }),
  "a topic that is there": (cluster) => cluster.createTopic("orders"),
  "a topic's name": (cluster) => cluster.createTopic("it's; | wrong"),
  "a topic of no partitions": (cluster) => cluster.createTopic("none", { partitions: 0 }),
  "more replicas than brokers": (cluster) => cluster.createTopic("wide", { replicationFactor: 4 }),
  "a config that is none": (cluster) => cluster.createTopic("odd", { configs: { "retention.mice": 3 } }),
  "a tool that is none": (cluster) => cluster.run("kafka-cats.sh --list"),
  "a line that is no tool's": (cluster) => cluster.run("fault crash 1"),
  "an open quote": (cluster) => cluster.run("kafka-topics.sh '"),
  "a wait for no function": (cluster) => cluster.until(5),
  "a wait for no condition": (cluster) => cluster.until("orders-0 has a leader"),
  "a wait without a bound": (cluster) => cluster.until(() => false, { timeoutMs: Infinity }),
  "a function that throws": (cluster) =>
    cluster.until((view) => {
      throw new TypeError(`it has ${view.brokers.length} brokers`);
    }),
  "a function that promises": (cluster) => cluster.until(async () => false),
};

/** What happens when requests come. */
export async function triggers(cluster) {
  const seen = await cluster.on({ api: "Produce", topic: "orders", name: "seen by me" }).observe(5);
  await cluster.on({ api: "Produce", topic: "orders", partition: 0 }).times(2).error("NOT_LEADER_OR_FOLLOWER");
  const other = await cluster.on({ api: "Produce", clientId: "nobody" }).drop();
  const producer = await cluster.producer({ acks: "all", "linger.ms": 0 });
  await producer.send({ topic: "orders", partition: 0, value: "again" });
  await producer.close();
  const requests = await seen.observed();
  const held = await cluster.on().while((view) => view.topics.length > 99).delay(5);
  const faults = (await cluster.view()).faults.map((line) => line.replace(/on\d/g, "onN"));
  for (const trigger of [seen, other, held, seen]) await trigger.off();
  const wrong = [
    () => cluster.on({ api: "Produces" }).drop(),
    () => cluster.on({ api: "Produce" }).nth(0).drop(),
    () => cluster.on({ api: "Produce" }).answer({ offset: 1 }),
    () => cluster.on({ topic: "orders" }).error("NOT_CONTROLLER"),
    () => cluster.on({ api: "Produce" }).once().do("crash nobody"),
    () => other.observed(),
  ];
  const said = [];
  for (const call of wrong) said.push((await failure(Promise.resolve().then(call)))[1]);
  return {
    requests: requests.map(({ api, clientId, request }) => [
      api,
      clientId !== null,
      request.topicData[0].partitionData[0].records[0].value,
    ]),
    faults,
    left: (await cluster.view()).faults,
    said,
  };
}

/** Writes, reads and looks. */
export async function reads(cluster) {
  await cluster.createTopic("orders", { partitions: 2, replicationFactor: 3, configs: { "min.insync.replicas": 2 } });
  const producer = await cluster.producer({ acks: "all", "linger.ms": 0 });
  for (const record of [
    { partition: 0, key: "a", value: "하나", headers: [["at", "1"], ["at", null]] },
    { partition: 0, key: null, value: new Uint8Array([0xff, 0x41]) },
    { partition: 1, key: "a", value: null },
    { partition: 0, value: "" },
  ]) {
    await producer.send({ topic: "orders", timestamp: 1_700_000_000_000, ...record });
  }
  await producer.close();
  const line = "kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic orders --group billing";
  const consumed = await cluster.run(`${line} --from-beginning --max-messages 4`);
  const groups = await cluster.groups();
  const records = await cluster.records("orders");
  const offsets = async (options) =>
    (await cluster.records("orders", options)).map(({ partition, offset }) => `${partition}:${offset}`).join(" ");
  const [topic] = (await cluster.topics()).filter(({ internal }) => !internal);
  const view = await cluster.view();
  return {
    records: records.map(({ key, value, headers, ...rest }) => ({
      ...rest,
      key: bytes(key),
      value: bytes(value),
      headers: headers.map(([name, of]) => [name, bytes(of)]),
    })),
    parts: {
      one: await offsets({ partition: 1 }),
      from: await offsets({ from: 1 }),
      behind: await offsets({ from: 99 }),
      limited: await offsets({ limit: 2 }),
      none: await offsets({ limit: 0 }),
      both: await offsets({ partition: 0, from: 1, limit: 1 }),
    },
    consumed: [consumed.exit, consumed.stdout.split("\n").length - 1, consumed.stderr.split("\n").at(-2)],
    groups: groups.map(({ id, state, members, offsets: of }) => [
      id,
      state,
      members.length,
      of.map(({ topic: name, partition, committed, highWatermark, owner }) =>
        [name, partition, committed, highWatermark, owner].join(" "),
      ),
    ]),
    groupsAfter: JSON.stringify(await cluster.groups()) === JSON.stringify(groups),
    topic: [topic.name, topic.replicationFactor, topic.configs, topic.partitions.map(({ logEnd }) => logEnd)],
    brokers: view.brokers.map(({ id, address, up, state }) => [id, address, up, state]),
    lookups: {
      broker: view.broker(2).id,
      topic: view.topic("orders").id === topic.id,
      partition: view.partition("orders", 1).partition,
      leader: view.broker(view.leader("orders", 1)).state,
      group: view.group("billing").coordinator >= 1,
      controller: view.broker(view.controller()).quorum,
      none: [view.broker(9), view.topic("x"), view.partition("orders", 2), view.leader("x", 0), view.group("x")],
    },
    tool: await cluster.run("kafka-console-producer.sh --bootstrap-server localhost:9092 --topic orders", {
      stdin: "하나\n둘\n",
    }),
    written: (await cluster.records("orders")).filter(({ valueText }) => valueText === "둘").length,
    lasting: await failure(cluster.run(line.replace("--group billing", ""), { timeoutMs: 5000 })),
  };
}

/** What each of `REFUSED` says. */
export async function refused(cluster) {
  const said = {};
  for (const [name, call] of Object.entries(REFUSED)) said[name] = await failure(call(cluster));
  return said;
}

/** Waits: what comes, what does not, and what happens to others meanwhile. */
export async function waits(cluster) {
  const leader = (await cluster.view()).leader("orders", 0);
  const other = (view) => (view.leader("orders", 0) ?? leader) !== leader;
  const begun = await cluster.now();
  const late = await cluster.until(other, { describe: "orders-0 has another leader", timeoutMs: 200 }).then(
    () => "it came",
    (error) => error,
  );
  const ended = await cluster.now();
  await cluster.fault(`crash ${leader}`);
  const crashed = await cluster.now();
  const fast = cluster.until(other, { advance: true });
  const real = cluster.until((view) => view.broker(leader).state === "running", { describe: "it runs" });
  const view = await fast;
  const took = view.now - crashed;
  let turn = false;
  setTimeout(() => (turn = true));
  const never = await failure(cluster.until(() => false, { timeoutMs: 20_000, advance: true }));
  const others = turn;
  await cluster.fault(`restart ${leader}`);
  const back = await real;
  for (const id of [1, 2, 3]) await cluster.fault(`crash ${id}`);
  const nobody = await cluster.until((now) => now.brokers.every(({ up }) => !up));
  const none = await failure(cluster.records("orders"));
  // What was under way is over: nothing happens any more, and the bound passes nevertheless.
  await cluster.advance(600_000);
  const quiet = await failure(cluster.until((now) => now.brokers[0].up, { timeoutMs: 3000, advance: true }));
  const open = failure(cluster.until(() => false));
  cluster.stop();
  return {
    late: [late.name, late.message.replace(/leader \d/g, "leader N"), late.view.brokers.length],
    bound: ended - begun >= 200,
    took: took > 5000 && took < 15_000,
    never: [never[0], never[1].split(". ")[0], others],
    back: back.broker(leader).state,
    nobody: [nobody.topics.length, nobody.controller() === undefined],
    none,
    quiet,
    open: await open,
    after: await failure(cluster.view()),
  };
}
