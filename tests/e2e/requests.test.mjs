// What went over the network, in a real browser with the real engine: the table, what is open of it, the diagram.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, open, overflow, run, serve } from "./lib.mjs";

const PAGE = join(import.meta.dirname, "..", "..", "dist");
/** No test takes so long, in milliseconds. */
const LIMIT = 180_000;
const AT = "--bootstrap-server localhost:9092";

let site;
before(async () => (site = await serve([PAGE])));
after(() => site?.close());

/** A test with a browser of its own, on a cluster with a topic. */
function browser(name, { lang = "en", view = "" }, steps) {
  test(name, { timeout: LIMIT }, async () => {
    const own = await launch();
    try {
      const { page, errors } = await open(own.context, `${site.url}?lang=${lang}#requests${view}`);
      const made = await run(page, `kafka-topics.sh ${AT} --create --topic orders --partitions 3 --replication-factor 3`);
      assert.equal(made.exit, 0, made.err);
      await steps(page);
      assert.deepEqual(errors, []);
    } finally {
      await own.close();
    }
  });
}

const produce = async (page) => {
  const sent = await run(page, `kafka-console-producer.sh ${AT} --topic orders --request-required-acks all`, { stdin: ["kettle"] });
  assert.equal(sent.exit, 0, sent.err);
};
const rows = (page, api) => page.locator(".wire-table tbody tr", { has: page.locator("th button", { hasText: new RegExp(`^${api}$`) }) });
/** Presses Tab until the focus is there. */
async function tabTo(page, selector) {
  for (let turn = 0; turn < 150; turn++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab never comes to ${selector}`);
}

browser("a Produce is found, opened, and both sides are read; the parts of its time add up", {}, async (page) => {
  await produce(page);
  await page.selectOption("#wire-api", "Produce");
  await rows(page, "Produce").first().locator("button").click();
  await page.locator(".exchange h3", { hasText: "Produce" }).waitFor();
  assert.match(await page.locator('[data-side="request"] .fields-said').innerText(), /"acks": -1[^]*"topicData"/);
  assert.match(await page.locator('[data-side="answer"] .fields-said').innerText(), /"errorCode": 0/);
  // The record's own bytes, as they went; a row ends within them.
  assert.match(await page.locator('[data-side="request"] .bytes-said').innerText(), /6b 65 74 74 .*kett/);
  const micros = (part) => page.locator(`[data-part="${part}"] dd`).getAttribute("data-micros").then(Number);
  const parts = await Promise.all([0, 1, 2, 3, 4].map(micros));
  assert.equal(parts.reduce((sum, part) => sum + part, 0), await micros("total"));
  assert.ok(parts[0] > 0 && parts[4] > 0 && parts[2] > 0, `there, back, and until the followers had it: ${parts}`);
  await page.keyboard.press("Escape");
  await page.locator(".exchange").waitFor({ state: "detached" });
});

browser("a list that is held stays as it is, and counts what is newer", {}, async (page) => {
  const began = await run(page, "workload start produce --topic orders --rate 50");
  assert.equal(began.exit, 0, began.err);
  await page.selectOption("#wire-api", "Produce");
  await rows(page, "Produce").nth(5).waitFor();
  await page.click("#wire-hold");
  const numbers = () => page.locator(".wire-table th button").evaluateAll((all) => all.slice(0, 5).map((one) => one.dataset.number));
  await page.locator("#wire-hold", { hasText: /\d newer/ }).waitFor();
  const held = await numbers();
  const first = await page.locator("#wire-hold").innerText();
  await page.waitForFunction((text) => document.querySelector("#wire-hold").innerText !== text, first);
  assert.deepEqual(await numbers(), held);
  await page.click("#wire-hold");
  await page.waitForFunction((number) => document.querySelector(".wire-table th button")?.dataset.number !== number, held[0]);
});

browser("errors and what a fault dropped are found", {}, async (page) => {
  assert.equal((await run(page, "fault on Produce once error NOT_ENOUGH_REPLICAS")).exit, 0);
  await produce(page);
  await page.check("#wire-errors");
  const bad = page.locator(".wire-table tr.bad", { hasText: "NOT_ENOUGH_REPLICAS" });
  await bad.first().waitFor();
  assert.match(await bad.first().innerText(), /Produce/);
  await page.fill("#wire-text", "not_enough");
  await page.waitForFunction(() => [...document.querySelectorAll(".wire-table tbody tr")].every((row) => row.innerText.includes("NOT_ENOUGH")));
  await page.fill("#wire-text", "no such thing");
  await page.locator(".requests .none").waitFor();
});

browser("a rebalance is read off the diagram, and by keyboard", { view: "/diagram" }, async (page) => {
  const began = await run(page, "workload start consume --topic orders --group billing");
  assert.equal(began.exit, 0, began.err);
  await page.selectOption("#wire-api", "rebalance");
  await page.selectOption("#wire-span", "10000000");
  const joined = page.locator('.msg[data-api="JoinGroup"]');
  const synced = page.locator('.msg[data-api="SyncGroup"]');
  await synced.first().waitFor({ state: "attached", timeout: 60_000 });
  await page.click("#wire-hold");
  const places = (all) => all.evaluateAll((found) => found.map((one) => Number(one.dataset.x)));
  // Who joins twice was told its member id first; who is assigned has joined before.
  const [join, sync] = [Math.min(...(await places(joined))), Math.min(...(await places(synced)))];
  assert.ok(join < sync, `JoinGroup at ${join}, SyncGroup at ${sync}`);
  await page.locator(".space-time .ev text", { hasText: "billing" }).first().waitFor();
  await page.locator(".span-bar").focus().catch(() => {});
  await page.focus("#wire-hold");
  await tabTo(page, ".msg");
  const first = await page.evaluate(() => document.activeElement.dataset.number);
  await page.keyboard.press("ArrowRight");
  const second = await page.evaluate(() => document.activeElement.dataset.number);
  assert.ok(Number(second) > Number(first), "from message to message, as they were sent");
  await page.keyboard.press("Enter");
  await page.locator(`.exchange[data-exchange="${second}"]`).waitFor();
  // The same span as a table.
  await page.click("#as-table");
  await page.locator(".wire-table caption").waitFor({ state: "attached" });
  await rows(page, "JoinGroup").first().waitFor();
  assert.match(page.url(), /#requests$/);
});

browser("a row is opened by keyboard, in Korean, and nothing is wider than a phone", { lang: "ko" }, async (page) => {
  await produce(page);
  await page.locator("h2", { hasText: "요청" }).first().waitFor();
  await page.selectOption("#wire-api", "Produce");
  await rows(page, "Produce").first().waitFor();
  await page.focus("#wire-hold");
  await tabTo(page, ".wire-table th button");
  await page.keyboard.press("Enter");
  await page.locator('[data-side="answer"] h4', { hasText: "응답" }).waitFor();
  assert.match(await page.locator(".lat-parts").innerText(), /합계[^]*네트워크\(감\)[^]*대기열[^]*브로커\(대기실\)/);
  for (const [width, height] of [[1440, 900], [1024, 768], [390, 844]]) {
    await page.setViewportSize({ width, height });
    assert.ok((await overflow(page)) <= 0, `at ${width}`);
    await page.evaluate(() => (location.hash = "requests/diagram"));
    await page.locator(".space-time .node").first().waitFor();
    assert.ok((await overflow(page)) <= 0, `the diagram at ${width}`);
    await page.evaluate(() => (location.hash = "requests"));
    await page.locator(".wire-table").waitFor();
  }
});
