// The page with its real engine and a cluster of several brokers: replication, brokers that crash and come back, reloads,
// and a browser that is killed while brokers are down.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { acknowledging, killBrowser, launch, open, run, serve, stored, untilState } from "./lib.mjs";

const DIST = process.env.BLUMFELD_DIST ?? join(import.meta.dirname, "../../dist");
const SERVER = "--bootstrap-server localhost:9092";

let site;
before(async () => {
  site = await serve([DIST]);
});
after(() => site.close());

/** A test with a browser of its own. */
function browser(name, body) {
  test(name, { timeout: 600_000 }, async () => {
    const started = await launch();
    try {
      await body(started);
    } finally {
      await started.close();
    }
  });
}

const at = (query) => `${site.url}?lang=en&${query}`;

/** Sessions last 9 s of virtual time: they pass as fast as the machine can. */
const fastest = (page) => page.evaluate(() => window.__worker.postMessage({ "set-pace": "fastest" }));

/** Keeps the engine's last word about each topic that changes from now on in the page, as `__cluster`. */
async function follow(page) {
  await page.evaluate(() => {
    window.__cluster = { topics: {} };
    window.__worker.addEventListener("message", ({ data }) => {
      for (const topic of data?.delta?.topics ?? []) window.__cluster.topics[topic.name] = topic;
    });
  });
}

/** Waits until the page shows a broker in a state. */
const untilBroker = (page, id, state) =>
  page.waitForSelector(`[data-broker="${id}"] [data-state="${state}"]`, { timeout: 120_000 });

/** Waits until a partition's ISR is this, in any order. */
const untilIsr = (page, topic, isr) =>
  page.waitForFunction(
    ([name, want]) => [...(window.__cluster.topics[name]?.partitions[0].isr ?? [])].sort().join() === want,
    [topic, isr],
    { timeout: 120_000 },
  );

const show = (page, screen) => page.click(`.nav a[href="#${screen}"]`);

/** Every record of a topic, in the order of its partitions. */
async function records(page, topic, count) {
  const got = await run(page, `kafka-console-consumer.sh ${SERVER} --topic ${topic} --from-beginning --max-messages ${count}`, { timeout: 180_000 });
  assert.equal(got.exit, 0, got.err);
  return got.out.split("\n").slice(0, -1);
}

browser("three brokers come up, and a topic of factor 3 is written, read and shown with its replicas", async ({ context }) => {
  const { page, errors } = await open(context, at("cluster=three&seed=1"));
  await show(page, "brokers");
  for (const id of [1, 2, 3]) await untilBroker(page, id, "running");
  assert.equal(await page.locator(".brk-card").count(), 3);
  assert.equal(await page.locator(".hex.full").count(), 1, "one leads the quorum");
  assert.equal(await page.locator(".hex.hollow").count(), 2, "two vote");
  const create = `kafka-topics.sh ${SERVER} --create --topic orders --partitions 3 --replication-factor 3`;
  assert.equal((await run(page, create)).out, "Created topic orders.\n");
  const lines = ["하나", "two", "three"];
  const produced = await run(page, `kafka-console-producer.sh ${SERVER} --topic orders --request-required-acks all`, { stdin: lines });
  assert.deepEqual([produced.exit, produced.err], [0, ""]);
  assert.deepEqual((await records(page, "orders", 3)).sort(), [...lines].sort());
  const described = (await run(page, `kafka-topics.sh ${SERVER} --describe --topic orders`)).out;
  assert.match(described, /PartitionCount: 3\tReplicationFactor: 3/);
  for (const [, replicas, isr] of described.matchAll(/Replicas: ([\d,]+)\tIsr: ([\d,]+)/g)) {
    assert.deepEqual(replicas.split(",").sort(), ["1", "2", "3"]);
    assert.deepEqual(isr.split(",").sort(), ["1", "2", "3"]);
  }
  await show(page, "topics");
  assert.equal(await page.locator('[data-topic="orders"] .copy.foll').count(), 6, "two followers of each of three partitions");
  assert.equal(await page.locator('[data-topic="orders"] .isr i.out').count(), 0);
  assert.equal(await page.locator("#offline, #under-replicated").count(), 0);
  assert.deepEqual(errors, []);
});

browser("four brokers, factor 3, two must be in sync: one crash is borne, a second is not, and after both came back all goes on", async ({ context }) => {
  const { page, errors } = await open(context, at("cluster=notes&seed=2&brokers=4"));
  await follow(page);
  await show(page, "brokers");
  for (const id of [1, 2, 3, 4]) await untilBroker(page, id, "running");
  await fastest(page);
  assert.equal((await run(page, `kafka-topics.sh ${SERVER} --create --topic orders --replica-assignment 2:3:4 --config min.insync.replicas=2`)).exit, 0);
  const produce = (line, more = "") =>
    run(page, `kafka-console-producer.sh ${SERVER} --topic orders --sync --request-required-acks all ${more}`, { stdin: [line], timeout: 180_000 });
  const clean = (result) => assert.deepEqual([result.exit, result.err], [0, ""]);
  clean(await produce("before"));
  assert.equal((await run(page, "fault crash 3")).exit, 0);
  await untilBroker(page, 3, "crashed");
  await page.waitForSelector('[data-line="crash 3"]');
  // Until broker 3 is fenced, 9 s on, it is in the ISR, and the leader waits for it longer than the tool's requests do.
  await untilIsr(page, "orders", "2,4");
  clean(await produce("one down"));
  await show(page, "topics");
  await page.waitForSelector("#under-replicated");
  assert.deepEqual(await page.locator('[data-topic="orders"] .isr i.out').allInnerTexts(), ["3"]);
  assert.equal((await run(page, "fault crash 4")).exit, 0);
  await untilIsr(page, "orders", "2");
  assert.match((await produce("refused", "--command-property retries=0")).err, /NotEnoughReplicas/);
  assert.deepEqual(await page.locator('[data-topic="orders"] .isr i.out').allInnerTexts(), ["3", "4"]);
  for (const id of [3, 4]) assert.equal((await run(page, `fault restart ${id}`)).exit, 0);
  await untilIsr(page, "orders", "2,3,4");
  await page.waitForSelector("#under-replicated", { state: "detached" });
  clean(await produce("all back"));
  assert.deepEqual(await records(page, "orders", 3), ["before", "one down", "all back"]);
  assert.deepEqual(errors, []);
});

browser("a reload brings three brokers back with their topics and records", async ({ context }) => {
  const { page, errors } = await open(context, at("cluster=back&seed=3"));
  assert.equal((await run(page, `kafka-topics.sh ${SERVER} --create --topic kept --partitions 1 --replication-factor 3 --config min.insync.replicas=2`)).exit, 0);
  const lines = Array.from({ length: 20 }, (_, n) => `레코드 ${n}`);
  assert.equal((await run(page, `kafka-console-producer.sh ${SERVER} --topic kept --request-required-acks all`, { stdin: lines })).exit, 0);
  await stored(page);
  await page.reload();
  await untilState(page, "ready");
  await show(page, "brokers");
  for (const id of [1, 2, 3]) await untilBroker(page, id, "running");
  assert.deepEqual(await records(page, "kept", lines.length), lines);
  assert.match((await run(page, `kafka-topics.sh ${SERVER} --describe --topic kept`)).out, /ReplicationFactor: 3\tConfigs: .*min\.insync\.replicas=2/);
  // It goes on as a cluster: what is written now is replicated.
  assert.equal((await run(page, `kafka-console-producer.sh ${SERVER} --topic kept --request-required-acks all`, { stdin: ["after"] })).exit, 0);
  assert.deepEqual(await records(page, "kept", lines.length + 1), [...lines, "after"]);
  assert.deepEqual(errors, []);
});

browser("a broker is added by a click, holds a replica, is there after a reload, and is removed by a click", async ({ context }) => {
  const { page, errors } = await open(context, at("cluster=grows&seed=5"));
  await follow(page);
  await show(page, "brokers");
  for (const id of [1, 2, 3]) await untilBroker(page, id, "running");
  assert.equal(await page.locator("[data-act=remove]").count(), 0, "voters stay");
  await page.click("#add-broker");
  await untilBroker(page, 4, "running");
  const produce = (line) => run(page, `kafka-console-producer.sh ${SERVER} --topic orders --request-required-acks all`, { stdin: [line] });
  assert.equal((await run(page, `kafka-topics.sh ${SERVER} --create --topic orders --replica-assignment 4:1`)).exit, 0);
  assert.equal((await produce("on the fourth")).exit, 0);
  await page.click('[data-broker="4"] [data-act=remove]');
  await page.locator("[data-notice=error]", { hasText: "broker-4 has a replica of orders-0" }).waitFor();
  await stored(page);
  await page.reload();
  await untilState(page, "ready");
  await follow(page);
  await show(page, "brokers");
  await untilBroker(page, 4, "running");
  assert.deepEqual(await records(page, "orders", 1), ["on the fourth"]);
  assert.equal((await run(page, `kafka-topics.sh ${SERVER} --delete --topic orders`)).exit, 0);
  await page.waitForFunction(() => !document.querySelector('[data-notice="error"]'), null, { timeout: 120_000 });
  await page.click('[data-broker="4"] [data-act=remove]');
  await page.locator('[data-broker="4"]').waitFor({ state: "detached", timeout: 120_000 });
  await stored(page);
  await page.reload();
  await untilState(page, "ready");
  await show(page, "brokers");
  await untilBroker(page, 1, "running");
  assert.equal(await page.locator(".brk-card").count(), 3);
  assert.deepEqual(errors, []);
});

test("strict: the browser is killed while two of four brokers are down, and every acknowledged record is there", { timeout: 900_000 }, async () => {
  const profile = await mkdtemp(join(tmpdir(), "blumfeld-cluster-"));
  const url = at("cluster=strict4&seed=4&brokers=4&durability=strict");
  const producer = `kafka-console-producer.sh ${SERVER} --topic t --sync --timeout 0 --request-required-acks all`;
  const acknowledged = [];
  // Brokers 1 to 3 vote: without 2 and 3 there is no quorum, the ISR stays, and nothing more is acknowledged.
  const rounds = [{ down: [2, 3] }, { down: [3, 2] }, null];
  try {
    for (const [round, plan] of rounds.entries()) {
      const { context, close } = await launch({ profile });
      const { page } = await open(context, url);
      await follow(page);
      await show(page, "brokers");
      await fastest(page);
      for (const id of [1, 2, 3, 4]) await untilBroker(page, id, "running");
      if (round === 0) {
        assert.equal((await run(page, `kafka-topics.sh ${SERVER} --create --topic t --replica-assignment 1:3:4`)).exit, 0);
      } else {
        // Brokers that have just come back may not lead yet: what is lost stays lost, however often it is asked for.
        let end = 0;
        for (let again = 0; !(end >= acknowledged.length) && again < 20; again++) {
          const ends = await run(page, `kafka-get-offsets.sh ${SERVER} --topic t`);
          end = Number(ends.out.trim().split(":").at(-1));
        }
        const have = await records(page, "t", end);
        assert.deepEqual(acknowledged.filter((line) => !have.includes(line)), [], `round ${round}: of ${acknowledged.length} acknowledged`);
        const twice = have.filter((line, n) => have.indexOf(line) !== n);
        assert.deepEqual(twice, [], `round ${round}: the producer is idempotent`);
      }
      if (!plan) {
        await close();
        break;
      }
      const whole = Array.from({ length: 10 }, (_, n) => `round ${round} record ${n} of all`);
      const produced = await run(page, producer, { stdin: whole, timeout: 120_000 });
      assert.deepEqual([produced.exit, produced.err], [0, ""]);
      acknowledged.push(...whole);
      for (const id of plan.down) {
        await page.click(`[data-broker="${id}"] [data-fault=crash]`);
        await untilBroker(page, id, "crashed");
      }
      const lines = Array.from({ length: 5_000 }, (_, n) => `round ${round} record ${n} of what is left`);
      const count = await acknowledging(page, producer, lines);
      killBrowser(profile);
      await close().catch(() => {});
      acknowledged.push(...lines.slice(0, count()));
    }
    assert.ok(acknowledged.length >= 20, `${acknowledged.length} were acknowledged`);
  } finally {
    await rm(profile, { recursive: true, force: true });
  }
});

browser("under load the event log keeps the fault, the elections and the rebalances", async ({ context }) => {
  const { page, errors } = await open(context, at("cluster=events&seed=9"));
  const ok = async (line) => assert.equal((await run(page, line)).exit, 0, line);
  await ok(`kafka-topics.sh ${SERVER} --create --topic load --partitions 6 --replication-factor 3`);
  await ok("workload start produce --topic load --rate 4000 --batch-size 2000");
  await ok("workload start consume --topic load --group readers");
  const log = page.locator(".log");
  // Broker 3 may be the coordinator: the group is there before it goes.
  await page.click(".filters >> text=Groups");
  await log.locator("li", { hasText: /group readers .*to Stable/ }).first().waitFor({ timeout: 60_000 });
  await ok("fault crash 3");
  await page.click(".filters >> text=Replication");
  const elected = log.locator("li", { hasText: /became leader of load-\d in epoch 1/ }).first();
  await elected.waitFor({ timeout: 120_000 });
  // Far more appends than any of the rings holds.
  await page.waitForFunction(
    () => Number(document.querySelector(".log .rest")?.textContent.replace(/\D/g, "")) > 20_000, null, { timeout: 180_000 },
  );
  await elected.waitFor();
  for (const [kind, want] of [["Faults", /fault crash 3/], ["Groups", /group readers/], ["Metadata", /fenced broker-3/], ["Controller", /in epoch/]]) {
    await page.click(`.filters >> text=${kind}`);
    const line = log.locator("li", { hasText: want }).first();
    // Only as many as fit are drawn: on a slow machine the commits since are more than those.
    await line.or(log.locator(".older button")).first().waitFor({ timeout: 60_000 });
    while ((await line.count()) === 0) {
      // Not by the mouse: under load the lines move beneath it.
      await log.locator(".older button").dispatchEvent("click", {}, { timeout: 60_000 });
    }
  }
  assert.deepEqual(errors, []);
});
