// The npm package's own producer: where a program's partitioner sends records, in Node and in a page with a worker, and what it
// says when something is wrong.
import test from "node:test";
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openBundled } from "./kafkajs/bundle.mjs";
import byValue from "./producer/by-value.mjs";
import { orders, read, script } from "./producer/script.mjs";

const here = (name) => fileURLToPath(new URL(`./producer/${name}`, import.meta.url));
const PACKAGE = process.env.NPM_PACKAGE;
const { Cluster } = await import(join(PACKAGE, "index.js"));

/** What `script` sees where records went where their values say. */
const PLACED = (() => {
  const at = (partition, offset, serializedValueSize) => ({
    topic: "orders",
    partition,
    offset,
    serializedKeySize: 1,
    serializedValueSize,
    timestamp: true,
  });
  return {
    sent: [at(2, 0, 8), at(0, 0, 3), at(2, 1, 3), at(1, 0, 3), at(1, 1, 3), at(2, 2, 3)],
    read: [
      [0, 0, "B", "0-b", "1"],
      [1, 0, "D", "1-d", "3"],
      [1, 1, "E", "1-e", "4"],
      [2, 0, "A", "2-하나", "0"],
      [2, 1, "C", "2-c", "2"],
      [2, 2, "F", "2-f", "5"],
    ],
  };
})();

/** A cluster that is stopped with its test. */
async function cluster(t, options) {
  const started = await Cluster.start({ seed: 7, ...options });
  t.after(() => started.stop());
  return started;
}

/** The name, code and message of the error that a promise fails with. */
const failure = (promise) =>
  promise.then(
    (value) => assert.fail(`kept with ${JSON.stringify(value)}`),
    ({ name, code, message }) => [name, code, message],
  );

test("a function places the records of its producer", async (t) => {
  assert.deepEqual(await script(await cluster(t), byValue), PLACED);
});

test("so does a module's function, by its URL", async (t) => {
  assert.deepEqual(await script(await cluster(t), new URL("./producer/by-value.mjs", import.meta.url)), PLACED);
});

test("and in a page the worker imports the module under a strict policy", async (t) => {
  const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
  const serving = { headers: { "content-security-policy": policy } };
  const { page, errors, url } = await openBundled(t, PACKAGE, here("page.mjs"), [here("by-value.mjs")], serving);
  const { saw, told } = await page.evaluate(() => globalThis.runScript());
  assert.deepEqual(saw, PLACED);
  assert.match(told.function, /^TypeError: partitioner: a function cannot go to the worker .* give the URL of a module/);
  assert.match(told.missing, /^Error: partitioner: .*nowhere\.mjs cannot be imported/);
  assert.ok(told.missing.includes(`${url}nowhere.mjs`), "the URL is the page's");
  const wrong = "Invalid value most for configuration acks: String must be one of: all, -1, 0, 1";
  assert.equal(told.setting, `ConfigException: ${wrong}`);
  assert.deepEqual(errors, []);
});

test("Kafka's own partitioners go by their names", async (t) => {
  const one = await cluster(t, { brokers: 1 });
  await orders(one);
  const partitions = async (settings) => {
    const producer = await one.producer({ "batch.size": 1, ...settings });
    const sending = Array.from({ length: 12 }, (_, at) => producer.send({ topic: "orders", key: "same", value: `${at}` }));
    await producer.close();
    return (await Promise.all(sending)).map(({ partition }) => partition);
  };
  const inTurn = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2];
  assert.deepEqual(await partitions({ partitioner: "round-robin" }), inTurn);
  const roundRobin = "org.apache.kafka.clients.producer.RoundRobinPartitioner";
  assert.deepEqual(await partitions({ partitioner: roundRobin }), inTurn);
  assert.deepEqual(await partitions({ "partitioner.class": roundRobin }), inTurn);
  assert.equal(new Set(await partitions({ partitioner: "default" })).size, 1, "a key has one partition");
  assert.ok(new Set(await partitions({ partitioner: "uniform-sticky" })).size > 1, "its key is not looked at");
});

test("what a partitioner does not place fails alone", async (t) => {
  const one = await cluster(t, { brokers: 1 });
  await orders(one);
  const gives = new Map([
    ["half", 1.5],
    ["far", 2 ** 31],
    ["text", "1"],
    ["nothing", undefined],
    ["later", Promise.resolve(1)],
    ["bare", Object.create(null)],
    ["negative", -1],
    ["good", 2],
  ]);
  const producer = await one.producer({
    partitioner: (_topic, key, value) => {
      assert.equal(key, null);
      const name = Buffer.from(value).toString();
      if (!gives.has(name)) throw new RangeError(`no such region: ${name}`);
      return gives.get(name);
    },
  });
  const send = (value) => producer.send({ topic: "orders", value });
  const sending = ["mars", ...gives.keys()].map(send);
  const failed = await Promise.all(sending.slice(0, -1).map(failure));
  const NOT = "which is no partition's number";
  assert.deepEqual(
    failed,
    [
      "The partitioner failed: RangeError: no such region: mars",
      `The partitioner failed: it gave 1.5, ${NOT}`,
      `The partitioner failed: it gave 2147483648, ${NOT}`,
      `The partitioner failed: it gave 1, ${NOT}`,
      `The partitioner failed: it gave undefined, ${NOT}`,
      `The partitioner failed: it gave [object Promise], ${NOT}`,
      `The partitioner failed: it gave a value of type object, ${NOT}`,
      "The partitioner generated an invalid partition number: -1. Partition number should always be non-negative.",
    ].map((message) => ["PartitionerError", undefined, message]),
  );
  const { partition, offset } = await sending.at(-1);
  assert.deepEqual([partition, offset], [2, 0]);
  const { partition: named } = await producer.send({ topic: "orders", value: "mars", partition: 1 });
  assert.equal(named, 1, "it is not asked where a record names its partition");
  await producer.close();
  assert.deepEqual((await read(one, 2)).map(([number, , , value]) => [number, value]), [[1, "mars"], [2, "good"]]);
});

test("a partition that is not there is waited for in virtual time", async (t) => {
  const one = await cluster(t, { brokers: 1 });
  await orders(one);
  const producer = await one.producer({ partitioner: () => 7 });
  const failed = failure(producer.send({ topic: "orders", value: "lost" }));
  const before = await one.now();
  await one.advance(121_000);
  assert.deepEqual(await failed, [
    "TimeoutException",
    "REQUEST_TIMED_OUT",
    "Expiring 1 record(s) for orders-7:120000 ms has passed since batch creation",
  ]);
  assert.ok((await one.now()) >= before + 120_000);
});

test("records linger in virtual time, and a broker that is down fails them with Kafka's error", async (t) => {
  const one = await cluster(t, { brokers: 1 });
  const producer = await one.producer({ acks: "all", "linger.ms": 1_000_000, "delivery.timeout.ms": 2_000_000 });
  const first = producer.send({ topic: "orders", value: "a", timestamp: 5 });
  await one.advance(999_000);
  assert.equal(await Promise.race([first, "lingers"]), "lingers");
  await one.advance(10_000);
  assert.deepEqual(await first, {
    topic: "orders",
    partition: 0,
    offset: 0,
    timestamp: 5,
    serializedKeySize: -1,
    serializedValueSize: 1,
  });
  await one.fault("crash 1");
  const failed = failure(producer.send({ topic: "orders", value: "b" }));
  await one.advance(2_001_000);
  const [name, code, message] = await failed;
  assert.deepEqual([name, code], ["TimeoutException", "REQUEST_TIMED_OUT"]);
  assert.match(message, /^Expiring 1 record\(s\) for orders-0:2000000 ms has passed since batch creation/);
  const elsewhere = failure(producer.send({ topic: "elsewhere", value: "c" }));
  await one.advance(61_000);
  const missing = "Topic elsewhere not present in metadata after 60000 ms.";
  assert.deepEqual(await elsewhere, ["TimeoutException", "REQUEST_TIMED_OUT", missing]);
});

test("too few replicas in sync after a crash are Kafka's error too", async (t) => {
  const three = await cluster(t);
  await orders(three, 1, [{ name: "min.insync.replicas", value: "3" }]);
  const leaders = [];
  const producer = await three.producer({
    acks: "all",
    retries: 0,
    partitioner: (_topic, _key, _value, [{ partition, leader }]) => {
      leaders.push(leader);
      return partition;
    },
  });
  await producer.send({ topic: "orders", value: "a" });
  await three.fault(`crash ${(leaders[0] % 3) + 1}`);
  await three.advance(60_000);
  const [name, code, message] = await failure(producer.send({ topic: "orders", value: "b" }));
  assert.deepEqual([name, code], ["NotEnoughReplicasException", "NOT_ENOUGH_REPLICAS"]);
  // Kafka's broker says no more than the code, and its client has a sentence for it.
  assert.equal(message, "Messages are rejected since there are fewer in-sync replicas than required.");
});

test("wrong settings and records are named", async (t) => {
  const one = await cluster(t, { brokers: 1 });
  const invalid = (value, setting, why) => [
    "ConfigException",
    undefined,
    `Invalid value ${value} for configuration ${setting}: ${why}`,
  ];
  const start = (settings) => failure(one.producer(settings));
  const acks = "String must be one of: all, -1, 0, 1";
  assert.deepEqual(await start({ acks: 2 }), invalid("2", "acks", acks));
  assert.deepEqual(await start({ "linger.ms": 1.5 }), invalid("1.5", "linger.ms", "Not a number of type LONG"));
  assert.match((await start({ "bootstrap.servers": "nowhere" }))[2], /^Invalid url in bootstrap\.servers/);
  assert.match((await start({ "partitioner.class": "com.example.Mine" }))[2], /com\.example\.Mine is not here/);
  assert.match((await start({ partitioner: "nothing" }))[2], /none of default, round-robin, uniform-sticky/);
  assert.match((await start({ partitioner: new URL("./producer/script.mjs", import.meta.url) }))[2], /is no function/);
  assert.deepEqual(await start({ acks: {} }), ["TypeError", undefined, "acks is neither a string, a number nor a boolean"]);
  const producer = await one.producer({ acks: 1, "enable.idempotence": false, "max.block.ms": "1000" });
  const send = (record) => failure(producer.send({ topic: "orders", ...record }));
  const negative = "should always be non-negative or null.";
  assert.equal((await send({ partition: -1 }))[2], `Invalid partition: -1. Partition number ${negative}`);
  assert.equal((await send({ timestamp: -1 }))[2], `Invalid timestamp: -1. Timestamp ${negative}`);
  assert.deepEqual(await send({ topic: null }), ["IllegalArgumentException", undefined, "Topic cannot be null."]);
  assert.equal((await send({ key: 5 }))[2], "key is neither a string nor bytes");
  assert.deepEqual(await send({ topic: "not this" }), [
    "InvalidTopicException",
    "INVALID_TOPIC_EXCEPTION",
    "Invalid topics: [not this]",
  ]);
  assert.deepEqual((await send({ value: new Uint8Array(2_000_000) })).slice(0, 2), [
    "RecordTooLargeException",
    "MESSAGE_TOO_LARGE",
  ]);
  await Promise.all([producer.close(), producer.close()]);
  const closed = ["IllegalStateException", undefined, "Cannot perform operation after producer has been closed"];
  assert.deepEqual(await send({ value: "late" }), closed);
  assert.deepEqual(await failure(producer.flush()), closed);
});

test("a partitioner may use its own cluster, and may stop it", async (t) => {
  const one = await cluster(t, { brokers: 1 });
  const audit = await one.producer();
  const audited = [];
  const producer = await one.producer({
    partitioner: (topic, _key, value) => {
      audited.push(audit.send({ topic: "audit", value }), one.now());
      if (Buffer.from(value).toString() === "stop") one.stop();
      return 0;
    },
  });
  const { offset } = await producer.send({ topic: "orders", value: "a" });
  assert.equal(offset, 0);
  const [copied, now] = await Promise.all(audited);
  assert.equal(copied.topic, "audit");
  assert.ok(now > 0);
  audited.length = 0;
  const stopped = ["Error", undefined, "the cluster was stopped"];
  const failed = failure(producer.send({ topic: "orders", value: "stop" }));
  assert.deepEqual(await failed, stopped);
  assert.deepEqual(await Promise.all(audited.map(failure)), [stopped, stopped]);
  assert.deepEqual(await failure(one.producer()), stopped);
});
