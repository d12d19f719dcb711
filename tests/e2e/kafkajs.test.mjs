// One KafkaJS script, three times: against the gateway on TCP, in Node over the engine, and in a page over the engine in a
// worker. It sees the same each time.
import test from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openBundled } from "./kafkajs/bundle.mjs";
import { script } from "./kafkajs/script.mjs";

const here = (name) => fileURLToPath(new URL(`./kafkajs/${name}`, import.meta.url));
const PACKAGE = process.env.NPM_PACKAGE;

function expectWhatItSaw(saw) {
  const count = saw.ends.reduce((sum, [, end]) => sum + end, 0);
  assert.deepEqual(saw.lacking, [], "everything that was written was read");
  assert.equal(saw.read, count, "and once");
  assert.ok(saw.batchesInOrder, "in order");
  assert.deepEqual(saw.committed, saw.ends, "and committed");
  assert.ok(
    Object.values(saw.keys).every((partitions) => partitions.length === 1),
    "a key has one partition",
  );
  assert.deepEqual(saw.group, ["Stable", "RoundRobinAssigner", 1, "Empty"]);
  assert.ok(!saw.topics.includes("orders"));
}

/** The gateway on ports of its own; gives its bootstrap servers. */
async function gateway(t) {
  const brokers = spawn(
    process.env.GATEWAY,
    ["serve", "--brokers", "3", "--listen", "127.0.0.1:0", "--log-level", "warn"],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  t.after(async () => {
    brokers.kill("SIGINT");
    if (brokers.exitCode === null) await once(brokers, "exit");
  });
  for await (const line of createInterface({ input: brokers.stdout })) {
    const ready = /is ready: ((?:127\.0\.0\.1:\d+,?)+)/.exec(line);
    if (ready) return ready[1].split(",");
  }
  throw new Error("the gateway ended before it was ready");
}

let reference;

test("the script against the gateway", async (t) => {
  const saw = await script({ brokers: await gateway(t) });
  expectWhatItSaw(saw);
  reference = saw;
});

test("the same script in Node over the engine", async () => {
  const { Cluster } = await import(join(PACKAGE, "index.js"));
  const cluster = await Cluster.start({ brokers: 3, seed: 7 });
  const { brokers, socketFactory } = cluster;
  const saw = await script({ brokers, socketFactory });
  const trace = await cluster.trace();
  await rewound(cluster);
  cluster.stop();
  expectWhatItSaw(saw);
  assert.deepEqual(saw, reference);
  assert.ok(
    trace.some((line) => line.includes("kafkajs")),
    "its connections are in the trace",
  );
});

/** The session of a script is taken back: every byte that its clients sent is played again. */
async function rewound(cluster) {
  const { timeline } = cluster;
  // Time stands where the script ended, however long the rest takes.
  const middle = { event: Math.floor((await timeline.view()).events / 2) };
  await timeline.to(middle);
  const then = await timeline.view();
  assert.ok(then.past);
  // What was is played again up to where it ended, twice to the same.
  const ends = [];
  for (let round = 0; round < 2; round += 1) {
    await timeline.to(middle);
    assert.equal((await timeline.view()).digest, then.digest);
    await timeline.until('committed("billing", "orders", 0) > 0');
    ends.push((await timeline.view()).digest);
  }
  assert.equal(ends[0], ends[1]);
  const why = await timeline.why("committed billing orders 0");
  assert.match(why, /OffsetCommit v\d+ from shop[^]*shop sent OffsetCommit/, why);
  assert.match(await timeline.odds('up(1)', { seeds: 3, forMs: 100 }), /came true in 3 of 3 copies/);
  // Acting there begins a branch, and the other is as it was.
  const before = await timeline.view();
  await cluster.fault("crash 2");
  const after = await timeline.view();
  assert.deepEqual([before.past, after.past], [true, false]);
  assert.deepEqual(after.branches.map(({ name, living }) => [name, living]), [["main", false], ["crash-2", true]]);
  assert.match(await timeline.diff("main"), /orders-0/);
  await timeline.rename("crash-2", "without-2");
  await timeline.switch("main");
  await timeline.delete("without-2");
  assert.deepEqual((await timeline.view()).branches.length, 1);
  await assert.rejects(timeline.switch("nowhere"), /there is no branch nowhere/);
  await assert.rejects(timeline.branch("two words"), /no name for a branch/);
  await assert.rejects(timeline.back(-1), RangeError);
  await assert.rejects(timeline.why("isr orders"), /isr\(TOPIC, PARTITION\)/);
  await assert.rejects(timeline.odds("up(1)", { seeds: 0 }), RangeError);
}

test("the same script in a page over the engine in a worker", async (t) => {
  const { page, errors } = await openBundled(t, PACKAGE, here("page.mjs"));
  const { saw, trace } = await page.evaluate(() => globalThis.runScript({ brokers: 3, seed: 7 }));
  expectWhatItSaw(saw);
  assert.deepEqual(saw, reference);
  assert.ok(
    trace.some((line) => line.includes("kafkajs")),
    "its connections are in the trace",
  );
  assert.deepEqual(errors, []);
});

test("a fault is felt by KafkaJS, and a client that is refused is told", async () => {
  const { Cluster } = await import(join(PACKAGE, "index.js"));
  const cluster = await Cluster.start({ brokers: 1 });
  const [broker] = cluster.brokers;
  const [host, port] = broker.split(":");
  const socket = cluster.connect({ host, port: Number(port) });
  await new Promise((resolve) => socket.on("connect", resolve));
  const gone = new Promise((resolve) => socket.on("error", resolve));
  await cluster.fault("crash 1");
  assert.equal((await gone).code, "ECONNRESET");
  const refused = await new Promise((resolve) => cluster.connect({ host, port: Number(port) }).on("error", resolve));
  assert.equal(refused.code, "ECONNREFUSED");
  await assert.rejects(cluster.fault("crush 1"), /crush/);
  const before = await cluster.now();
  await cluster.advance(30_000);
  assert.ok((await cluster.now()) >= before + 30_000);
  assert.equal(await cluster.addBroker({ rack: "b" }), "localhost:9094");
  assert.deepEqual(cluster.brokers, ["localhost:9092", "localhost:9094"]);
  await cluster.fault("restart 1");
  await cluster.advance(30_000);
  const told = (await cluster.trace()).join("\n");
  assert.match(told, /unfenced broker-2/);
  await assert.rejects(cluster.addBroker({ id: 2 }), /there is a broker 2 already/);
  await assert.rejects(cluster.addBroker({ id: 1.5 }), /id: 1\.5 is no whole number from 1 to 9/);
  await assert.rejects(cluster.removeBroker(1), /broker-1 is a voter of the metadata quorum/);
  await cluster.removeBroker(2);
  await cluster.advance(30_000);
  assert.match((await cluster.trace()).join("\n"), /took broker-2 away/);
  await assert.rejects(cluster.removeBroker(2, { force: true }), /there is no broker 2 here; there are 1/);
  await assert.rejects(Cluster.start({ brokers: 12 }), /12 is no whole number from 1 to 9/);
  cluster.stop();
});
