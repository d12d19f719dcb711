// The groups' screen in a real browser with the real engine: why groups rebalanced, and offsets that are set anew.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, open, overflow, run, sent, serve } from "./lib.mjs";
import { SIZES, setPace } from "./screens.mjs";

const DIST = process.env.BLUMFELD_DIST ?? join(import.meta.dirname, "../../dist");
const AT = "--bootstrap-server localhost:9092";
/** No test takes so long, in milliseconds. */
const LIMIT = 120_000;
const wait = { timeout: LIMIT };

let [site, browser, page, errors] = [];
before(async () => {
  [site, browser] = [await serve([DIST]), await launch()];
  ({ page, errors } = await open(browser.context, `${site.url}?lang=en&brokers=1&cluster=groups`));
  await page.evaluate(await readFile(join(import.meta.dirname, "node_modules/axe-core/axe.min.js"), "utf8"));
  await setPace(page, "fastest");
  await done(`kafka-topics.sh ${AT} --create --topic orders --partitions 2`);
  await done("workload produce --topic orders --keys 20 --num-records 40");
  await page.click('.nav a[href="#groups"]');
}, wait);
after(async () => {
  await browser?.close();
  await site?.close();
});

const group = () => page.locator('[data-group="billing"]');
const newest = () => group().locator(".rebalances li").first();
const speak = (lang) => page.evaluate((wanted) => document.querySelector(`.seg2 [lang="${wanted}"]`).click(), lang);

/** Runs a line to its end, which is a good one. */
async function done(line) {
  const ended = await run(page, line);
  assert.equal(ended.exit, 0, `${line}: ${ended.err}`);
  return ended.out;
}

/** Waits until the group's newest rebalance is over and began so. */
const rebalanced = async (cause, state) => {
  await group().locator(`.rebalances li:first-child[data-cause="${cause}"]`).waitFor(wait);
  await group().locator(`[data-state="${state}"]`).waitFor(wait);
};

/** What the newest rebalance says, in both languages. */
async function told() {
  const english = await newest().innerText();
  await speak("ko");
  await page.locator("#h-groups", { hasText: "컨슈머 그룹" }).waitFor();
  const korean = await newest().innerText();
  await speak("en");
  await page.locator("#h-groups", { hasText: "Consumer groups" }).waitFor();
  return [english, korean];
}

/** The committed offsets by partition, as the page and as Kafka's tool have them. */
async function committed() {
  const out = await done(`kafka-consumer-groups.sh ${AT} --describe --group billing`);
  const tool = [...out.matchAll(/^billing\s+(\S+)\s+(\d+)\s+(\d+)/gm)].map(([, topic, partition, offset]) => [`${topic}-${partition}`, offset]);
  await page.waitForFunction((want) => {
    const rows = [...document.querySelectorAll('[data-group="billing"] .lags tbody tr')];
    return JSON.stringify(rows.map((row) => [row.cells[0].textContent.trim(), row.cells[2].textContent.replaceAll(",", "")])) === want;
  }, JSON.stringify(tool), wait);
  return tool;
}

const consumer = (name) => done(`workload start consume --topic orders --group billing --name ${name} --from-beginning`);

test("one joins, another joins, one leaves and one dies: each is told with its cause, in both languages", wait, async () => {
  await consumer("billing-1");
  await rebalanced("joined", "Stable");
  let [english, korean] = await told();
  assert.match(english, /billing-1 · \w{6} joined[^]*generation 0 → 1[^]*members 0 → 1[^]*PreparingRebalance [^]*CompletingRebalance /);
  assert.match(korean, /billing-1 · \w{6} 참여[^]*세대 0 → 1[^]*멤버 0 → 1/);
  assert.ok(!/stood still/.test(english), "nobody had read them before");
  await consumer("billing-2");
  await page.waitForFunction(() => /members 1 → 2/.test(document.querySelector(".rebalances li")?.textContent), null, wait);
  await rebalanced("joined", "Stable");
  [english, korean] = await told();
  assert.match(english, /billing-2 · \w{6} joined[^]*generation 1 → 2[^]*2 partitions stood still, [\d.]+ (µs|ms|s) at most/);
  assert.match(korean, /파티션 2개 멈춤, 최대/);
  await done("workload stop billing-2");
  await rebalanced("left", "Stable");
  [english, korean] = await told();
  assert.match(english, /billing-2 · \w{6} left[^]*members 2 → 1/);
  assert.match(korean, /billing-2 · \w{6} 나감[^]*멤버 2 → 1/);
  await consumer("billing-3");
  await page.waitForFunction(() => /billing-3[^]*members 1 → 2/.test(document.querySelector(".rebalances li")?.textContent), null, wait);
  await rebalanced("joined", "Stable");
  // The second time it ends at once, and says goodbye to nobody.
  await setPace(page, "paused");
  await page.locator('.transport #run[aria-label="Run"]').waitFor();
  await page.click('.nav a[href="#clients"]');
  const button = page.locator('[data-client="billing-3"] [data-act="stop"]');
  await button.click();
  await button.filter({ hasText: "Stop now" }).click();
  await page.click('.nav a[href="#groups"]');
  await setPace(page, "fastest");
  await rebalanced("timed-out", "Stable");
  [english, korean] = await told();
  assert.match(english, /The session of billing-3 · \w{6} timed out after 45 s[^]*members 2 → 1[^]*stood still, \d+\.\d+ s at most/);
  assert.match(korean, /billing-3 · \w{6} 세션 시간 초과\(45초\)/);
  // It stood still since it was heard of for the last time, and no shorter.
  assert.ok(Number(english.match(/stood still, ([\d.]+) s/)[1]) >= 45, english);
});

test("offsets are not reset while members are there, and then as the form says", wait, async () => {
  await page.locator('[data-group="billing"] [data-act="reset"]').click();
  const form = page.locator(".reset-form");
  assert.match(await form.locator(".warn").innerText(), /has members \(billing-1\)/);
  const line = async () => (await form.locator(".will code").innerText()).trim();
  /** Runs what the form says, and gives the line and what came of it. */
  const submit = async () => {
    const runs = await line();
    const before = (await sent(page)).filter((one) => one?.console).length;
    await page.click("#run-reset");
    await page.waitForFunction((count) => window.__sent.filter((one) => one?.console).length > count, before);
    await form.locator("[role=status].came, .came[role=alert]").waitFor();
    assert.equal((await sent(page)).findLast((one) => one?.console).console.line, runs);
    return form.locator(".came").innerText();
  };
  const before = await committed();
  assert.equal(await line(), `kafka-consumer-groups.sh ${AT} --group billing --reset-offsets --to-earliest --topic orders --dry-run`);
  await page.click("#reset-execute");
  assert.match(await submit(), /can only be reset if the group 'billing' is inactive, but the current state is Stable/);
  assert.deepEqual(await committed(), before);
  assert.ok(before.some(([, offset]) => Number(offset) > 0), JSON.stringify(before));
  await done("workload stop billing-1");
  await rebalanced("left", "Empty");
  await form.locator(".warn").waitFor({ state: "detached" });
  await page.click("#reset-dry-run");
  assert.match(await submit(), /billing\s+orders\s+0\s+0/);
  assert.deepEqual(await committed(), before);
  await page.click("#reset-execute");
  await submit();
  assert.deepEqual(await committed(), before.map(([partition]) => [partition, "0"]));
  await page.selectOption("#reset-to", "shift-by");
  await page.fill("#reset-value", "2");
  assert.equal(await line(), `kafka-consumer-groups.sh ${AT} --group billing --reset-offsets --shift-by 2 --topic orders --execute`);
  await submit();
  assert.deepEqual(await committed(), before.map(([partition]) => [partition, "2"]));
  await page.selectOption("#reset-to", "to-datetime");
  assert.match(await line(), /--to-datetime \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000 /);
  await page.click("#reset-dry-run");
  assert.match(await submit(), /billing\s+orders\s+0\s+\d+/);
});

test("a group whose members have all left is listed, also after its coordinator started again", wait, async () => {
  const list = async () => (await done(`kafka-consumer-groups.sh ${AT} --list`)).split("\n");
  assert.ok((await list()).includes("billing"));
  await done("fault crash 1");
  await done("fault restart 1");
  await rebalanced("coordinator-back", "Empty");
  assert.ok((await list()).includes("billing"));
});

test("nothing sticks out, and axe finds nothing, at each size and in both languages", wait, async () => {
  for (const lang of ["ko", "en"]) {
    await speak(lang);
    await page.locator("#h-groups", { hasText: lang === "ko" ? "컨슈머 그룹" : "Consumer groups" }).waitFor();
    for (const size of SIZES) {
      await page.setViewportSize(size);
      assert.ok((await overflow(page)) <= 0, `${lang} ${size.width}`);
    }
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    assert.deepEqual(violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(" ")}`)), []);
  }
  assert.deepEqual(errors, []);
});
