// What one does on the stage to see how Kafka works: follow a record, run until something happens, watch a group rebalance and
// fall behind, and watch from a second tab.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { LONG, open, run, serve, untilState, withBrowser } from "./lib.mjs";

const PAGE = join(import.meta.dirname, "..", "..", "dist");
const SERVER = "--bootstrap-server localhost:9092";
/** No test takes so long, in milliseconds. */
const LIMIT = 180_000;

let site;
before(async () => (site = await serve([PAGE])));
after(() => site?.close());

/** A test with a browser of its own. */
const browser = (name, steps, options) => test(name, { timeout: LIMIT }, withBrowser(steps, options));

const visit = async (own, query, hash = "#stage") => {
  const { page, errors } = await open(own.context, `${site.url}?lang=en&seed=7&${query}${hash}`);
  return { page, errors };
};
const begun = (page) => page.locator(".sp-val", { hasText: "1/100" }).waitFor({ timeout: 60_000 });
/** Sets the speed as its slider does: tenths of a power of ten. */
const speed = (page, place) => page.locator(".sl input").fill(String(place));
/** Waits until a condition stops the clock. The pace goes to the fastest of the slider meanwhile. */
async function until(page, condition, place = 30) {
  await speed(page, place);
  const { exit, out } = await run(page, `until ${condition}`, { timeout: 120_000 });
  assert.equal(exit, 0, condition);
  await page.locator("#run[aria-label=Run]").waitFor();
  return out;
}
const stops = (page) =>
  page.locator(".stops li").evaluateAll((all) => all.map((one) => one.dataset.stop).filter((stop) => stop !== "asks"));

for (const lang of LONG ? ["en", "ko"] : ["en"]) {
  browser(`a record is followed from its batch to its group, ${lang}`, async (own) => {
    const { page, errors } = await open(own.context, `${site.url}?lang=${lang}&seed=7&begin=orders#stage`);
    await begun(page);
    const sentences = new Set();
    await page.exposeFunction("said", (text) => void sentences.add(text));
    await page.click("#send");
    await page.locator(".follow-bar").waitFor();
    await page.evaluate(() => {
      const look = () => window.said(document.querySelector(".follow-bar .now")?.textContent ?? "");
      new MutationObserver(look).observe(document.querySelector(".follow-bar"), { subtree: true, characterData: true, childList: true });
      look();
    });
    await page.locator('.follow-bar[data-over="true"]').waitFor({ timeout: 120_000 });
    const told = await stops(page);
    const order = (...wanted) => {
      const at = wanted.map((stop) => told.indexOf(stop));
      assert.ok(!at.includes(-1) && at.every((place, turn) => turn === 0 || at[turn - 1] < place), `${wanted}: ${told}`);
    };
    order("accumulates", "sent", "appended", "waits", "copied", "high-watermark", "answered", "acknowledged");
    order("high-watermark", "read", "committed");
    assert.equal(told.filter((stop) => stop === "copied").length, 2);
    // Each had its turn over the stage.
    assert.ok(sentences.size >= told.length, `${sentences.size} sentences of ${told.length} stops`);
    // And the record stands where it was said to stand.
    const [, partition, offset] = /^orders-(\d), \D* ?([\d,]+)$/.exec(await page.locator(".follow-bar .what b").textContent());
    await page.click("#unfollow");
    assert.equal(await page.locator(".follow-bar").count(), 0);
    const { out } = await run(
      page,
      `kafka-console-consumer.sh ${SERVER} --topic orders --partition ${partition} --offset ${offset.replaceAll(",", "")} --max-messages 1`,
      { timeout: 120_000 },
    );
    assert.equal(out, "hello\n");
    assert.deepEqual(errors, []);
  });
}

browser("a crash and its election stop the clock where they happen", async (own) => {
  const { page, errors } = await visit(own, "begin=orders");
  await begun(page);
  await page.click("#run-until summary");
  await page.locator("#run-until li", { hasText: "saw(election)" }).locator("button").click();
  assert.equal(await page.locator("#run-until").getAttribute("open"), null, "a choice closes the menu");
  await page.locator("#run-until .val", { hasText: "saw(election)" }).waitFor();
  await page.click('[data-broker="2"] [data-fault="crash"]');
  await page.locator('.board .broker.crashed[data-broker="2"]').waitFor();
  await speed(page, 10);
  await page.locator("#run[aria-label=Run]").waitFor({ timeout: 60_000 });
  // It has stopped at the election: the mark is on the time line, and leads to the line of the log.
  await page.locator(".seek .mk.election").last().click();
  const line = page.locator(".log li.looked-at", { hasText: /elected|active controller/ });
  await line.first().waitFor();
  assert.ok(await line.first().isVisible());
  // Broker 2 led p1: another one does now, in the next epoch.
  const out = await until(page, 'leader("orders", 1) != 2 and not 2 in isr("orders", 1)');
  assert.match(out, /^\d\d:|^\d/);
  const leads = await page.locator('.board .rep.lead[data-partition="1"]').evaluateAll((all) =>
    all.map((one) => one.closest("[data-broker]").dataset.broker));
  assert.equal(leads.length, 1);
  assert.notEqual(leads[0], "2");
  await page.locator('.rep.lead[data-partition="1"] .ep', { hasText: "e1" }).waitFor();
  // While time stands still it is told what comes next, and a step is that.
  const next = await page.locator(".next-up").textContent();
  const before = await page.locator(".clock").textContent();
  await page.click("#step");
  await page.waitForFunction((was) => document.querySelector(".next-up")?.textContent !== was, next);
  assert.ok((await page.locator(".clock").textContent()) >= before);
  // A speed is no start.
  await speed(page, -10);
  await page.locator(".sp-val", { hasText: "1/10" }).waitFor();
  assert.equal(await page.locator("#run").getAttribute("aria-label"), "Run");
  assert.deepEqual(errors, []);
});

browser("what is no condition is shown with its place", async (own) => {
  const { page } = await visit(own, "begin=empty");
  await page.click("#run-until summary");
  await page.fill("#until-condition", 'isr("orders" 0) == [1]');
  await page.locator(".until-list form button").click();
  const said = page.locator(".until-list .came");
  await said.waitFor();
  assert.match(await said.textContent(), /isr\("orders" 0\) == \[1\]\n {13}\^\n.*`,` or `\)` is expected where `0` stands/);
  // It is mended where it was typed. What it names need not be there yet, and that is said.
  await page.fill("#until-condition", 'isr("orders", 0) == [1]');
  await page.locator(".until-list form button").click();
  await page.locator("#run-until:not([open])").waitFor();
  await page.click("#run-until summary");
  await page.locator(".until-list .waiting", { hasText: "There is no topic orders yet." }).waitFor();
  assert.equal(await page.inputValue("#until-condition"), "");
});

browser("an address names a place, or is refused in words", async (own) => {
  const { page, errors } = await visit(own, "begin=orders");
  await begun(page);
  const go = (hash) => page.evaluate((to) => { location.hash = to; }, hash);
  for (const wrong of ["nosuch", "configs/x/y", "messages/orders"]) {
    await go(wrong);
    await page.locator(".notice", { hasText: `There is no such place in this page: #${wrong}.` }).waitFor();
  }
  await go("messages/orders/77");
  await page.locator(".notice", { hasText: "There is no partition orders-77." }).waitFor();
  await go("messages/orders/1/0");
  await page.locator('.messages [data-record="0"].sel[data-offset="0"]').waitFor();
  // What an address was refused for is not said any more where another leads.
  assert.equal(await page.locator(".notice").count(), 0);
  assert.deepEqual(errors, []);
});

for (const [assignor, rebalances] of [["RangeAssignor", 1], ["CooperativeStickyAssignor", 2]]) {
  browser(`a group goes from two members to three and back, by the ${assignor}`, async (own) => {
    const { page, errors } = await visit(own, "begin=empty");
    const ran = async (line) => assert.equal((await run(page, line)).exit, 0, line);
    await ran(`kafka-topics.sh ${SERVER} --create --topic orders --partitions 6 --replication-factor 3`);
    const member = (name) =>
      `workload start consume --topic orders --group billing --name ${name} --command-property partition.assignment.strategy=org.apache.kafka.clients.consumer.${assignor}`;
    await ran(member("one"));
    await ran(member("two"));
    const stable = (members) => `state("billing") == "Stable" and members("billing") == ${members}`;
    await until(page, `${stable(2)} and lag("billing") == 0`).catch(() => {});
    const card = page.locator('[data-group="billing"]');
    const phase = () => card.locator(".phase").getAttribute("data-state");
    const generation = async () => Number(/\d+/.exec(await card.locator(".phase").textContent())[0]);
    const owned = () => card.locator(".mems li").evaluateAll((all) =>
      Object.fromEntries(all.map((one) => [one.dataset.name, [...one.querySelectorAll(".chip")].map((chip) => chip.textContent)])));
    await until(page, stable(2));
    await page.waitForFunction(() => document.querySelectorAll('[data-group="billing"] .mems .chip').length === 6);
    const [first, before] = [await generation(), await owned()];
    assert.deepEqual(Object.values(before).flat().sort(), ["p0", "p1", "p2", "p3", "p4", "p5"]);
    for (const [line, members] of [[member("three"), 3], ["workload stop three", 2]]) {
      const begins = await generation();
      // A client that is to stop needs time for it, and the clock stands still: the line runs beside the next one.
      await page.evaluate(([id, text]) => window.__worker.postMessage({ console: { id, line: text } }), [70_000 + members, line]);
      // Its phases, in their order, each held where it begins.
      const seen = [];
      for (const state of ["PreparingRebalance", "CompletingRebalance", "Stable"]) {
        await until(page, `state("billing") == "${state}"`);
        await card.locator(`.phase[data-state="${state}"]`).waitFor();
        seen.push(await phase());
        assert.equal(await card.locator('.phases [aria-current="step"]').count(), 1);
      }
      assert.deepEqual(seen, ["PreparingRebalance", "CompletingRebalance", "Stable"]);
      await until(page, `${stable(members)} and generation("billing") >= ${begins + (members === 3 ? rebalances : 1)}`);
      await page.waitForFunction((count) => document.querySelectorAll('[data-group="billing"] .mems li').length === count, members);
      await page.waitForFunction(() => document.querySelectorAll('[data-group="billing"] .mems .chip').length === 6);
      const now = await owned();
      assert.deepEqual(Object.values(now).flat().sort(), ["p0", "p1", "p2", "p3", "p4", "p5"]);
      // Cooperative members keep what they do not have to give.
      if (rebalances === 2 && members === 3) {
        for (const name of ["one", "two"]) assert.ok(now[name].every((one) => before[name].includes(one)), JSON.stringify([before, now]));
      }
    }
    assert.ok((await generation()) > first);
    assert.deepEqual(errors, []);
  });
}

browser("a slow consumer falls behind, and more members catch up", async (own) => {
  const { page } = await visit(own, "begin=empty");
  const ran = async (line) => assert.equal((await run(page, line)).exit, 0, line);
  await ran(`kafka-topics.sh ${SERVER} --create --topic orders --partitions 3 --replication-factor 3`);
  await ran("workload start produce --topic orders --rate 20 --name web");
  const member = (name) => `workload start consume --topic orders --group slow --processing-ms 100 --name ${name}`;
  await ran(member("one"));
  await until(page, 'lag("slow") > 300');
  await page.waitForFunction(() => [...document.querySelectorAll('[data-group="slow"] .lag')].reduce((sum, one) => sum + Number(one.textContent.replaceAll(",", "")), 0) > 300);
  await ran(member("two"));
  await ran(member("three"));
  await until(page, 'lag("slow") < 150');
  await page.waitForFunction(() => [...document.querySelectorAll('[data-group="slow"] .lag')].reduce((sum, one) => sum + Number(one.textContent.replaceAll(",", "")), 0) < 150);
});

browser("a second tab watches, asks, cannot act, and takes over", async ({ context }) => {
  const address = `${site.url}?lang=en&cluster=watched&begin=orders#stage`;
  const { page: first } = await open(context, address);
  await begun(first);
  const { page: second, errors } = await open(context, address, { settle: false });
  await untilState(second, "locked");
  await second.locator(".watching").waitFor();
  // It shows what the first shows, as it happens there.
  await second.locator('[data-group="billing"] .phase[data-state="Stable"]').waitFor();
  assert.equal((await run(first, `kafka-topics.sh ${SERVER} --create --topic later`)).exit, 0);
  await second.locator(".con", { hasText: "--create --topic later" }).waitFor();
  await second.locator("#stage-topic option", { hasText: "later" }).waitFor({ state: "attached" });
  await second.waitForFunction(() => Number(document.querySelector("#tokens")?.dataset.drawn) > 0);
  // It can ask for what it looks at.
  await second.locator(".nav a[href='#messages']").click();
  await second.locator("[data-batch], .tb tbody tr").first().waitFor();
  // It changes nothing.
  await second.locator(".nav a[href='#stage']").click();
  await second.click("#run");
  await second.locator(".notice", { hasText: "only watches" }).waitFor();
  assert.equal(await first.locator("#run").getAttribute("aria-label"), "Pause");
  await second.click("#take-over");
  await untilState(second, "ready");
  // Now the first one watches.
  await untilState(first, "locked");
  await first.locator(".watching").waitFor();
  assert.deepEqual(errors, []);
});

browser("who wants no motion begins with time that stands still, and steps", async (own) => {
  const { page, errors } = await visit(own, "begin=orders");
  await page.locator("#run[aria-label=Run]").waitFor({ timeout: 60_000 });
  await page.locator('[data-group="billing"] .phase[data-state="Stable"]').waitFor();
  const next = await page.locator(".next-up").textContent();
  await page.click("#step");
  await page.waitForFunction((was) => document.querySelector(".next-up")?.textContent !== was, next);
  assert.deepEqual(errors, []);
}, { reducedMotion: "reduce" });
