// What the npm package's methods refuse before the engine sees it, what its triggers, views and clock do, and how it
// ends.
import test from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { openBundled } from "./kafkajs/bundle.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const PACKAGE = process.env.NPM_PACKAGE;
const { Cluster, View } = await import(join(PACKAGE, "index.js"));

/** A cluster of one broker that is stopped with its test. */
async function cluster(t, options) {
  const started = await Cluster.start({ brokers: 1, seed: 7, ...options });
  t.after(() => started.stop());
  return started;
}

/** The name and message of what a call throws, or its promise fails with. */
async function failure(call) {
  try {
    return ["kept", String(await call())];
  } catch (error) {
    return [error.name, error.message];
  }
}

const produce = (one) => one.on({ api: "Produce" });
const send = (record) => async (one) => (await one.producer()).send(record);
const whole = (from, to) => `is no whole number from ${from} to ${to}`;
const SPAN = "is no number of milliseconds from 0 to 10000000000";
const HUNDREDTH = "is no whole hundredth from 0 to 1";
const AGAIN = "was said already; a trigger takes one of once, times, nth, every, withProbability";

/** Calls that are refused, by kind: each with its message, and the error's name where it is not the kind's. */
const REFUSED = {
  TypeError: [
    [(one) => one.fault(5), "fault: 5 is no text"],
    [(one) => one.fault(true), "fault: true is no text"],
    [(one) => one.fault(["crash 1"]), "fault: an array is no text"],
    [(one) => one.fault({ length: -1 }), "fault: an object is no text"],
    [(one) => one.fault(), "fault: undefined is no text"],
    [(one) => one.addBroker({ rack: 5 }), "addBroker: rack: 5 is no text"],
    [(one) => one.addBroker({ id: "2" }), `addBroker: id: "2" ${whole(1, 9)}`],
    [(one) => one.removeBroker(), `removeBroker: undefined ${whole(1, 9)}`],
    [(one) => one.removeBroker(1, { force: 1 }), "removeBroker: force: 1 is neither true nor false"],
    [(one) => one.connect({ host: 5, port: 9092 }), "connect: host: 5 is no text"],
    [(one) => one.connect({ host: "localhost", port: "9092" }), `connect: port: "9092" ${whole(0, 65535)}`],
    [(one) => one.connect({ host: "localhost", port: 1, name: 1n }), "connect: name: 1n is no text"],
    [(one) => one.connect({ host: "localhost", port: 1, onConnect: 1 }), "connect: onConnect: 1 is no function"],
    [(one) => one.connect(), "connect: undefined is no object with options"],
    [(one) => one.run(Symbol("it")), "run: Symbol(it) is no text"],
    [(one) => one.run("cat", { stdin: 5 }), "run: stdin is neither a string nor bytes"],
    [(one) => one.run("cat", { timeoutMs: "1" }), `run: timeoutMs: "1" ${SPAN}`],
    [(one) => one.createTopic(), "createTopic: name: undefined is no text"],
    [(one) => one.createTopic(null), "createTopic: name: null is no text"],
    [(one) => one.createTopic("a", { configs: 5 }), "createTopic: configs: 5 is no object with configs"],
    [(one) => one.records(null), "records: topic: null is no text"],
    [(one) => one.records("a", { limit: "2" }), `records: limit: "2" ${whole(0, Number.MAX_SAFE_INTEGER)}`],
    [(one) => one.until(5), "until: 5 is no function"],
    [(one) => one.until(() => true, { describe: 5 }), "until: describe: 5 is no text"],
    [(one) => one.until(() => true, { advance: 1 }), "until: advance: 1 is neither true nor false"],
    [(one) => one.advance("5"), `advance: "5" ${SPAN}`],
    [(one) => one.producer(null), "producer: null is no object with settings"],
    [send(), "send: undefined is no object with fields"],
    [send({ topic: 5 }), "send: topic: 5 is no text"],
    [send({ topic: "a", headers: "b" }), 'send: headers: "b" is no object'],
    [send({ topic: "a", headers: ["b"] }), 'send: headers: "b" is no pair of a name and a value'],
    [(one) => one.on(null), "on: null is no object with options"],
    [(one) => one.on({ api: 0 }), "on: api: 0 is no text"],
    [(one) => one.on({ broker: "1" }), `on: broker: "1" ${whole(0, 2 ** 31 - 1)}`],
    [(one) => produce(one).error(6), "error: 6 is no text"],
    [(one) => produce(one).answer("{}"), 'answer: "{}" is no object with fields'],
    [(one) => produce(one).do(() => {}), "do: a function is no text"],
    [(one) => produce(one).disconnect({ after: "it" }), 'disconnect: after: "it" is neither true nor false'],
    [(one) => produce(one).times("3"), `times: "3" ${whole(1, 1e9)}`],
    [(one) => produce(one).withProbability("1"), `withProbability: "1" ${HUNDREDTH}`],
    [(one) => produce(one).while(true), "while: true is no function"],
    [() => Cluster.start(null), "start: null is no object with options"],
    [() => Cluster.start({ worker: {} }), "start: worker: an object is no worker"],
    [() => Cluster.start({ seed: "a" }), `start: seed: "a" ${whole(0, Number.MAX_SAFE_INTEGER)}`],
    [() => Cluster.start({ epoch: "now" }), `start: epoch: "now" ${whole(0, 253402300799999)}`],
    [() => new Cluster(), "use Cluster.start()"],
    // Options that there are not.
    [() => Cluster.start({ broker: 5 }), "start: there is no option broker; known are brokers, seed, epoch, worker"],
    [
      (one) => one.createTopic("a", { partition: 3 }),
      "createTopic: there is no option partition; known are partitions, replicationFactor, configs",
    ],
    [
      (one) => one.until(() => true, { timeout: 100 }),
      "until: there is no option timeout; known are describe, timeoutMs, advance",
    ],
    [
      (one) => one.records("a", { offset: 3 }),
      "records: there is no option offset; known are partition, from, limit",
    ],
    [
      (one) => produce(one).disconnect({ afterwards: true }),
      "disconnect: there is no option afterwards; known are after",
    ],
    [(one) => one.addBroker({ racks: "a" }), "addBroker: there is no option racks; known are id, rack"],
    [(one) => one.removeBroker(1, { forced: true }), "removeBroker: there is no option forced; known are force"],
    [(one) => one.run("cat", { input: "" }), "run: there is no option input; known are stdin, timeoutMs"],
    [
      (one) => one.connect({ host: "a", ports: 1 }),
      "connect: there is no option ports; known are host, port, onConnect, name",
    ],
    [
      (one) => one.on({ group: "g" }),
      "on: there is no option group; known are api, name, broker, clientId, connection, version, topic, partition",
    ],
    [
      send({ topic: "a", messages: [] }),
      "send: there is no field messages; known are topic, partition, timestamp, key, value, headers",
    ],
    // A condition has to answer at once.
    [
      (one) => produce(one).while(async () => false).drop(),
      "while: the function gave a promise, but it is asked often and has to answer at once",
    ],
  ],
  RangeError: [
    [() => Cluster.start({ brokers: 1.5 }), `start: brokers: 1.5 ${whole(1, 9)}`],
    [() => Cluster.start({ brokers: 12 }), `start: brokers: 12 ${whole(1, 9)}`],
    ...[-1, 1.5, 2 ** 53 + 2].map((seed) => [
      () => Cluster.start({ seed }),
      `start: seed: ${seed} ${whole(0, Number.MAX_SAFE_INTEGER)}`,
    ]),
    ...[-1, 1e30, NaN].map((epoch) => [
      () => Cluster.start({ epoch }),
      `start: epoch: ${epoch} ${whole(0, 253402300799999)}`,
    ]),
    ...[-1, NaN, Infinity, 1e30, 1e10 + 1].map((ms) => [(one) => one.advance(ms), `advance: ${ms} ${SPAN}`]),
    ...[0, 200_000, 1.5].map((limit) => [
      (one) => produce(one).observe(limit),
      `observe: ${limit} ${whole(1, 100_000)}`,
    ]),
    ...[0.001, 0.335, -0.01, 1.01, NaN].map((chance) => [
      (one) => produce(one).withProbability(chance),
      `withProbability: ${chance} ${HUNDREDTH}`,
    ]),
    [(one) => produce(one).nth(0), `nth: 0 ${whole(1, 1e9)}`],
    [(one) => produce(one).every(1.5), `every: 1.5 ${whole(1, 1e9)}`],
    [(one) => produce(one).delay(-1), `delay: -1 ${whole(0, 31_536_000_000)}`],
    [(one) => one.addBroker({ id: 10 }), `addBroker: id: 10 ${whole(1, 9)}`],
  ],
  Error: [
    [(one) => produce(one).once().nth(3), `on: once ${AGAIN}`],
    [(one) => produce(one).every(2).times(3), `on: every ${AGAIN}`],
    [(one) => produce(one).withProbability(0.5).once(), `on: withProbability ${AGAIN}`],
    [(one) => produce(one).while(() => true).while(() => true), "on: while was said already; a trigger takes one"],
  ],
};

for (const [name, calls] of Object.entries(REFUSED)) {
  test(`what is refused with ${name} never comes to the engine`, async (t) => {
    const one = await cluster(t);
    for (const [call, message] of calls) {
      assert.deepEqual(await failure(() => call(one)), [name, message], String(call));
    }
    const { faults, brokers } = await one.view();
    assert.deepEqual([faults, brokers.length], [[], 1], "and nothing was done");
  });
}

test("what lies at a bound is taken", async (t) => {
  const one = await cluster(t, { seed: Number.MAX_SAFE_INTEGER, epoch: 253402300799999, worker: undefined });
  const rare = [0, 0.01, 0.29, 0.1 + 0.2, 0.57, 1];
  for (const chance of rare) await produce(one).withProbability(chance).drop();
  await produce(one).observe(100_000);
  const faults = (await one.view()).faults.map((line) => /probability (\d+)%/.exec(line)?.[1]);
  assert.deepEqual(faults, ["0", "1", "29", "30", "57", "100", undefined]);
  await one.advance(0);
});

test("a view of any bytes is written as its bytes", { timeout: 60_000 }, async (t) => {
  const one = await cluster(t);
  const [host, port] = one.brokers[0].split(":");
  // ApiVersions in version 0, and its answer.
  const frame = Uint8Array.of(0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 255, 255);
  for (const view of [frame, new DataView(frame.buffer), new Uint16Array(frame.buffer)]) {
    const socket = one.connect({ host, port: Number(port), onConnect: () => socket.write(view) });
    const bytes = await new Promise((resolve) => {
      const came = [];
      socket.on("data", (part) => came.push(...part) >= 8 && resolve(came));
    });
    assert.deepEqual(bytes.slice(4, 8), [0, 0, 0, 7], view.constructor.name);
    socket.destroy();
  }
});

test("a trigger that is gone is taken off without a word, and one that does not observe says so", async (t) => {
  const one = await cluster(t);
  const [first, second] = [await produce(one).delay(1), await produce(one).observe()];
  assert.deepEqual(await failure(() => first.observed()), ["Error", `${first.name} does not observe`]);
  assert.deepEqual(await second.observed(), []);
  await one.fault("heal");
  for (const trigger of [first, second, first]) await trigger.off();
  one.stop();
  assert.deepEqual(await failure(() => first.off()), ["Error", "the cluster was stopped"]);
});

for (const [what, answer, message] of [
  ["throws", () => assert.fail("it broke"), /^it broke$/],
  ["promises", () => Promise.reject(new Error("unheard")), /^while: the function gave a promise/],
]) {
  test(`a condition that later ${what} takes its trigger off, which says so`, async (t) => {
    const one = await cluster(t);
    const trigger = await produce(one).while((view) => view.topics.length === 0 || answer()).observe();
    await one.createTopic("orders");
    await one.until((view) => view.faults.length === 0, { describe: "the trigger is gone" });
    for (const call of [() => trigger.off(), () => trigger.observed()]) assert.match((await failure(call))[1], message);
  });
}

test("a condition in words is waited for, and what keeps it from being so is told", { timeout: 120_000 }, async (t) => {
  const one = await cluster(t, { brokers: 3 });
  await one.createTopic("orders", { replicationFactor: 3 });
  const leader = (await one.view()).leader("orders", 0);
  const elected = one.until(`saw(election, "orders-0") and leader("orders", 0) != ${leader}`, { advance: true });
  await one.fault(`crash ${leader}`);
  const view = await elected;
  assert.notEqual(view.leader("orders", 0), leader);
  assert.ok(!view.partition("orders", 0).isr.includes(leader));
  // What is so already is so at once, and no state in between is missed: half a second is no time that it names.
  const { now } = await one.until(`not up(${leader})`);
  const at = (now + 500) / 1_000;
  assert.equal((await one.until(`time >= ${at}s`, { advance: true })).now >= now + 500, true);
  assert.match((await failure(() => one.until("controler == 1")))[1], /controler == 1\n\^{9}\n.*did you mean `controller`/);
  const [kind, message] = await failure(() => one.until('lag("billing") == 0', { timeoutMs: 10 }));
  assert.equal(kind, "NotYet");
  assert.match(message, /lag\("billing"\) is not known/);
});

test("a long advance leaves the thread to others, and calls keep their order", { timeout: 120_000 }, async (t) => {
  const one = await cluster(t, { brokers: 3 });
  const ended = [];
  const say = (what, promise) => promise.then((value) => ended.push([what, value]));
  let others = 0;
  const ticks = setInterval(() => others++);
  t.after(() => clearInterval(ticks));
  const seen = one.until((view) => view.now > 1_000_000, { timeoutMs: 3e6 });
  await Promise.all([
    say("meanwhile", seen.then((view) => view.now < 2_000_000)),
    say("advance", one.advance(2_000_000)),
    say("fault", one.fault("crash 1")),
    say("after", one.now().then((now) => now >= 2_000_000)),
    say("again", one.advance(100_000)),
    say("then", one.view().then(({ now, brokers }) => [now >= 2_100_000, brokers[0].up])),
  ]);
  assert.deepEqual(ended, [
    ["meanwhile", true],
    ["advance", undefined],
    ["fault", undefined],
    ["after", true],
    ["again", undefined],
    ["then", [true, false]],
  ]);
  assert.ok(others > 0, "a timer had its turn");
  const long = failure(() => one.advance(1e10));
  setTimeout(() => one.stop());
  assert.deepEqual(await long, ["Error", "the cluster was stopped"]);
});

/** A view of a topic with one partition and of a group, as a test needs it. */
function view({ running = [1, 2, 3], leader = 1, isr = [1, 2, 3], offsets = [] } = {}) {
  const brokers = [1, 2, 3].map((id) => ({ id, state: running.includes(id) ? "running" : "crashed" }));
  const partition = { partition: 0, leader, replicas: [1, 2, 3], isr, logStart: 0 };
  const topics = [{ name: "orders", configs: [], partitions: [partition] }];
  const of = offsets.map(([committed, highWatermark], at) => {
    return { topic: "orders", partition: at, committed, highWatermark };
  });
  return new View({ brokers, topics, groups: [{ id: "billing", members: [], offsets: of }], transactions: [], faults: [] });
}

test("a view tells what is in sync, committed, and behind", () => {
  for (const [what, state, so] of [
    ["all runs", {}, true],
    ["a follower crashed just now", { running: [1, 2] }, false],
    ["the leader crashed just now", { running: [2, 3] }, false],
    ["the ISR has shrunk", { isr: [1, 2] }, false],
    ["nobody leads", { leader: -1 }, false],
  ]) {
    assert.equal(view(state).inSync("orders"), so, what);
  }
  assert.equal(view().inSync("payments"), false);
  for (const [offsets, committed, lag] of [
    [[], undefined, undefined],
    [[[2, 5], [5, 5]], 2, 3],
    [[[0, 0]], 0, 0],
    [[[-1, 5], [5, 5]], undefined, undefined],
    [[[-1, 0], [5, 7]], undefined, 2],
    [[[2, -1]], 2, undefined],
  ]) {
    const one = view({ offsets });
    assert.deepEqual([one.committed("billing", "orders", 0), one.lag("billing")], [committed, lag], String(offsets));
  }
  assert.deepEqual([view().lag("other"), view().committed("other", "orders", 0)], [undefined, undefined]);
});

test("names that the types have are Kafka's, and faults are all that there are", async (t) => {
  const text = await readFile(join(PACKAGE, "index.d.ts"), "utf8");
  const union = (type) => {
    const [, names] = new RegExp(`type ${type} =([^;]*);`).exec(text);
    return [...names.matchAll(/"(\w+)"/g)].map(([, name]) => name);
  };
  const source = (path) => readFile(here(`../../${path}`), "utf8");
  const [apis, codes] = [union("KafkaApi"), union("KafkaErrorCode")];
  const one = await cluster(t);
  for (const api of apis) await (await one.on({ api }).observe()).off();
  for (const code of codes) await (await produce(one).error(code)).off();
  const faults = (await source("crates/shell/src/tools/fault.rs")).split("const FAULTS")[1].split("const ENGLISH")[0];
  const usages = [...faults.matchAll(/^ {4}"([^"]+)", "/gm)].map(([, usage]) => usage);
  // The package has methods in their place.
  const methods = ["observed NAME", "list"];
  const told = [...text.matchAll(/^ {3}\* \| `([^`]+)` \|/gm)].map(([, usage]) => usage);
  assert.deepEqual(told, usages.filter((usage) => !methods.includes(usage)));
});

const STOPPED = {
  atOnce: false,
  sockets: ["ECONNRESET", "ECONNRESET", "ECONNREFUSED"].map((code) => [
    ["error", code, "the cluster was stopped"],
    ["close", true, true],
  ]),
  written: [false, false],
};

test("a program whose cluster stops before its clients ends by itself", { timeout: 60_000 }, async () => {
  const program = spawn(process.execPath, [here("npm/ends.mjs"), String(pathToFileURL(join(PACKAGE, "index.js")))]);
  let said = "";
  for (const stream of [program.stdout, program.stderr]) stream.on("data", (bytes) => (said += bytes));
  const [code] = await once(program, "close");
  assert.equal(code, 0, said);
  assert.deepEqual(JSON.parse(said), STOPPED);
});

test("and so do clients of a cluster in a worker", { timeout: 60_000 }, async (t) => {
  const { page, errors } = await openBundled(t, PACKAGE, here("npm/page.mjs"));
  assert.deepEqual(await page.evaluate(() => globalThis.runScript({ seed: 7 })), STOPPED);
  assert.deepEqual(errors, []);
});

for (const name of ["dispose", "asyncDispose"].filter((one) => Symbol[one])) {
  test(`Symbol.${name} stops a cluster`, async (t) => {
    const one = await cluster(t);
    await one[Symbol[name]]();
    assert.deepEqual(await failure(() => one.now()), ["Error", "the cluster was stopped"]);
  });
}
