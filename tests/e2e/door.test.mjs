// What the npm package shows of a cluster, what it waits for, and what it refuses: in Node, and in a page over a
// worker.
import test from "node:test";
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { REFUSED, reads, refused, triggers, waits } from "./door/script.mjs";
import { openBundled } from "./kafkajs/bundle.mjs";

const PACKAGE = process.env.NPM_PACKAGE;
const OPTIONS = { brokers: 3, seed: 7, epoch: 1_700_000_000_000 };

const record = (partition, offset, key, value, headers = []) => {
  const [keyText, valueText] = [key, value].map((of) => of && new TextDecoder().decode(new Uint8Array(of)));
  return { topic: "orders", partition, offset, timestamp: 1_700_000_000_000, key, value, keyText, valueText, headers };
};

const SEEN = {
  records: [
    record(0, 0, [97], [0xed, 0x95, 0x98, 0xeb, 0x82, 0x98], [
      ["at", [49]],
      ["at", null],
    ]),
    record(0, 1, null, [0xff, 0x41]),
    { ...record(0, 2, null, []), valueText: "" },
    record(1, 0, [97], null),
  ],
  parts: { one: "1:0", from: "0:1 0:2", behind: "", limited: "0:0 0:1", none: "", both: "0:1" },
  consumed: [0, 4, "Processed a total of 4 messages"],
  groups: [["billing", "Empty", 0, ["orders 0 3 3 ", "orders 1 1 1 "]]],
  groupsAfter: true,
  topic: ["orders", 3, { "min.insync.replicas": "2" }, [3, 1]],
  brokers: [1, 2, 3].map((id) => [id, `localhost:${9090 + 2 * id}`, true, "running"]),
  lookups: {
    broker: 2,
    topic: true,
    partition: 1,
    leader: "running",
    group: true,
    controller: "leader",
    none: [undefined, undefined, undefined, undefined, undefined],
  },
  tool: { stdout: ">", stderr: "", exit: 0 },
  written: 1,
};

const SAID = {
  "records of no topic": ["Error", /^there is no topic payments; there are: orders$/],
  "records of no partition": ["Error", /^there is no partition orders-2; orders has 2 from 0 on$/],
  "a partition that is no number": ["RangeError", /^records: partition: 0\.5 is no whole number from 0 to 2147483647$/],
  "an offset below 0": ["RangeError", /^records: from: -1 is no whole number from 0 to \d{16}$/],
  "a limit that is none": ["TypeError", /^records: limit: "2" is no whole number from 0 to \d{16}$/],
  "a topic that is there": ["TopicExistsException", /^createTopic: Topic 'orders' already exists\.$/],
  "a topic's name": ["InvalidTopicException", /^createTopic: .*it's; \| wrong/],
  "a topic of no partitions": ["RangeError", /^createTopic: partitions: 0 is no whole number from 1 to 2147483647$/],
  "more replicas than brokers": ["InvalidReplicationFactorException", /^createTopic: .*replication.*4/i],
  "a config that is none": [/^InvalidConfigurationException|ConfigException$/, /^createTopic: .*retention\.mice/],
  "a tool that is none": ["Error", /kafka-cats\.sh/],
  "a line that is no tool's": ["Error", /^`fault crash 1` asks the world, not a tool: see fault, addBroker/],
  "an open quote": ["Error", /the quote ' is not closed/],
  "a wait for no function": ["TypeError", /^until: 5 is no function$/],
  "a wait for no condition": ["Error", /^orders-0 has a leader\n\^{6}\nthere is no `orders`/],
  "a wait without a bound": ["RangeError", /^until: timeoutMs: Infinity is no number of milliseconds from 0 to 10000000000$/],
  "a function that throws": ["TypeError", /^it has 3 brokers$/],
  "a function that promises": ["TypeError", /^until: the function gave a promise/],
};

const STANDS =
  "Brokers: 1 running, 2 running, 3 running. " +
  "Partitions: orders-0 leader N ISR \\[\\d, \\d, \\d\\] end \\d, orders-1 leader N ISR \\[\\d, \\d, \\d\\] end \\d. " +
  "Groups: billing Empty. Faults: none.";

function expectReads({ lasting, ...saw }) {
  assert.deepEqual(saw, SEEN);
  const [name, message] = lasting;
  assert.equal(name, "NotYet");
  assert.match(message, /^after 5 s it is still not so that `kafka-console-consumer\.sh .*` has ended\. Brokers: 1 /);
}

function expectRefusals(said) {
  assert.deepEqual(Object.keys(SAID), Object.keys(REFUSED));
  for (const [what, [name, message]] of Object.entries(SAID)) {
    assert.match(said[what][0], new RegExp(name), what);
    assert.match(said[what][1], message, what);
  }
}

function expectTriggers({ said, ...saw }) {
  assert.deepEqual(saw, {
    // It was sent again twice.
    requests: Array(3).fill(["Produce", true, "again"]),
    faults: [
      "on Produce as seen%20by%20me topic orders observe 5",
      "on Produce as onN client-id nobody drop",
      "on any as onN delay 5",
      "disarm onN",
    ],
    left: [],
  });
  const want = [
    /Produces is no API/,
    /^nth: 0 is no whole number from 1 to 1000000000$/,
    /there is no field offset/,
    /say which API is answered/,
    /nobody is no node/,
    /^on\d does not observe$/,
  ];
  want.forEach((text, at) => assert.match(said[at], text));
}

function expectWaits({ late, quiet, ...saw }) {
  assert.deepEqual([late[0], late[2]], ["NotYet", 3]);
  assert.match(late[1], new RegExp(`^after 0\\.2 s it is still not so that orders-0 has another leader\\. ${STANDS}$`));
  assert.equal(quiet[0], "NotYet");
  assert.match(quiet[1], /^after 3 s it is still not so that `.*brokers\[0\]\.up.*`\. Brokers: 1 crashed, 2 crashed/);
  assert.match(quiet[1], / Partitions: none\. Groups: none\. Faults: crash 1, crash 2, crash 3\.$/);
  assert.deepEqual(saw, {
    bound: true,
    took: true,
    never: ["NotYet", "after 20 s it is still not so that `() => false`", true],
    back: "running",
    nobody: [0, true],
    none: ["Error", "no broker runs, so nobody knows the topic orders"],
    open: ["Error", "the cluster was stopped"],
    after: ["Error", "the cluster was stopped"],
  });
}

test("a cluster in Node is seen, waited for, and refuses what is wrong", { timeout: 300_000 }, async (t) => {
  const { Cluster, NotYet, View } = await import(join(PACKAGE, "index.js"));
  const cluster = await Cluster.start(OPTIONS);
  t.after(() => cluster.stop());
  expectReads(await reads(cluster));
  expectRefusals(await refused(cluster));
  expectTriggers(await triggers(cluster));
  assert.ok((await cluster.view()) instanceof View);
  await assert.rejects(cluster.until(() => false, { timeoutMs: 0 }), NotYet);
  expectWaits(await waits(cluster));
});

test("and so it is in a page over a worker", { timeout: 300_000 }, async (t) => {
  const { page, errors } = await openBundled(t, PACKAGE, fileURLToPath(new URL("./door/page.mjs", import.meta.url)));
  const saw = await page.evaluate((options) => globalThis.runScript(options), OPTIONS);
  expectReads(saw.reads);
  expectRefusals(saw.refused);
  expectTriggers(saw.triggers);
  expectWaits(saw.waits);
  assert.deepEqual(errors, []);
});
