// Transactions and compaction in a real browser with the real engine: what the coordinator knows, what the strips show of it,
// what the next pass of the cleaner keeps, and reads from memory and from disk.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, open, overflow, run, serve, type } from "./lib.mjs";
import { SIZES, setPace } from "./screens.mjs";

const DIST = process.env.BLUMFELD_DIST ?? join(import.meta.dirname, "../../dist");
const AT = "--bootstrap-server localhost:9092";
/** No test takes so long, in milliseconds. */
const LIMIT = 120_000;
const wait = { timeout: LIMIT };

let [site, browser, page, errors] = [];
before(async () => {
  [site, browser] = [await serve([DIST]), await launch()];
  ({ page, errors } = await open(browser.context, `${site.url}?lang=en&brokers=1&cluster=transactions`));
  await page.evaluate(await readFile(join(import.meta.dirname, "node_modules/axe-core/axe.min.js"), "utf8"));
  await setPace(page, "fastest");
}, wait);
after(async () => {
  await browser?.close();
  await site?.close();
});

const go = (screen) => page.click(`.nav a[href="#${screen}"]`);
const number = (text) => Number(text.replaceAll(",", ""));
const speak = (lang) => page.evaluate((wanted) => document.querySelector(`.seg2 [lang="${wanted}"]`).click(), lang);

/** Runs a line to its end, which is a good one. */
async function done(line) {
  const ended = await run(page, line);
  assert.equal(ended.exit, 0, `${line}: ${ended.err}`);
  return ended.out;
}

test("an open transaction is a card, a row that says what it holds back, and signs on its strip", wait, async () => {
  await done(`kafka-topics.sh ${AT} --create --topic orders`);
  await go("transactions");
  await page.locator(".screen.transactions .empty").waitFor();
  // It writes on in one transaction for longer than this test looks.
  await setPace(page, { times: 1 });
  await type(page, "kafka-producer-perf-test.sh --topic orders --num-records 100000 --record-size 10 --throughput 20 " +
    `--transactional-id pay --transaction-duration-ms 50000 --producer-props bootstrap.servers=localhost:9092 linger.ms=0`);
  const card = page.locator('[data-transaction="pay"]');
  await card.locator('[data-state="Ongoing"]').waitFor(wait);
  const row = page.locator('[data-open="orders-0"]');
  await row.waitFor(wait);
  await page.waitForFunction(() => document.querySelector('[data-open="orders-0"] td:nth-child(5)')?.textContent !== "0", null, wait);
  await setPace(page, "paused");
  const [from, stable, high, held, whose] = await row.locator("td").allInnerTexts();
  assert.equal(from, stable, "the only transaction is what reading stops at");
  assert.equal(number(held), number(high) - number(stable));
  assert.ok(number(held) > 0);
  assert.equal(whose, "pay");
  assert.match(await card.innerText(), /IN_TRANSACTION/);
  assert.match(await card.locator(".owns").innerText(), /orders-0/);
  await go("topics");
  const strip = page.locator('.topic[data-topic="orders"] .copy.lead .strip');
  await strip.locator("path.lso").waitFor({ state: "attached" });
  assert.equal(await strip.locator("circle.open-txn").count(), 1);
  assert.match(await page.locator('.topic[data-topic="orders"] .row .vh').first().innerText(), /transactions open: 1/);
});

test("it is aborted by the button, and then a range on the strip that readers skip", wait, async () => {
  await setPace(page, { times: 1 });
  await page.locator("#prompt").press("Control+c");
  await page.locator("#prompt").press("Control+c");
  await setPace(page, "fastest");
  await go("transactions");
  const card = page.locator('[data-transaction="pay"]');
  await card.locator('[data-act="terminate"]').click();
  await card.locator('[data-state="CompleteAbort"]').waitFor(wait);
  await page.locator('[data-open="orders-0"]').waitFor({ state: "detached" });
  await done(`kafka-producer-perf-test.sh --topic orders --num-records 5 --record-size 10 --throughput -1 --producer-props bootstrap.servers=localhost:9092`);
  const read = await run(page, `kafka-console-consumer.sh ${AT} --topic orders --from-beginning --isolation-level read_committed --timeout-ms 3000`);
  assert.equal(read.out.trim().split("\n").length, 5);
  await go("topics");
  const strip = page.locator('.topic[data-topic="orders"] .copy.lead .strip');
  await strip.locator("rect.aborted").waitFor({ state: "attached" });
  assert.equal(await strip.locator("rect.aborted").count(), 1);
  assert.equal(await strip.locator("path.lso").count(), 0);
  await page.locator('.topic[data-topic="orders"] .row').first().click();
  const [aborted] = await page.locator(".txns-of tbody tr").allInnerTexts();
  assert.match(aborted, /^\d+\s+0\s+[\d,]+$/);
});

test("what the next pass keeps is what it leaves, record by record", wait, async () => {
  await done(`kafka-topics.sh ${AT} --create --topic prices --config cleanup.policy=compact --config segment.ms=500 ` +
    "--config min.cleanable.dirty.ratio=1");
  await done("workload produce --topic prices --keys 4 --rate 10 --num-records 30");
  await page.locator('.topic[data-topic="prices"] .row').first().click();
  const dirty = page.locator('.compaction [data-part="dirty"]');
  await dirty.locator("button.cell").first().waitFor(wait);
  const offsets = (selector) => page.locator(`.compaction ${selector}`).evaluateAll((all) => all.map((one) => Number(one.dataset.offset)));
  const stays = await offsets("button.cell:not(.goes)");
  assert.ok((await offsets("button.cell.goes")).length > 0);
  assert.match(await dirty.locator(".cap b").innerText(), /takes \d+ of \d+/);
  // Now it is dirty enough.
  await done(`kafka-configs.sh ${AT} --entity-type topics --entity-name prices --alter --add-config min.cleanable.dirty.ratio=0.01`);
  await page.waitForFunction(() => document.querySelector(".compaction .gone-cell[role=listitem]"), null, wait);
  assert.deepEqual(await offsets("button.cell"), stays);
  const kept = await run(page, `kafka-console-consumer.sh ${AT} --topic prices --from-beginning --timeout-ms 3000 --formatter-property print.offset=true`);
  assert.deepEqual(kept.out.trim().split("\n").map((line) => Number(line.match(/Offset:(\d+)/)[1])), stays);
  const cleaner = page.locator('[data-cleaner="1"]');
  assert.match(await cleaner.innerText(), /Clean to/);
  assert.ok(await page.locator('.topic[data-topic="prices"] .strip').count() > 0);
});

test("a read of what is not in memory waits for the disk, and is counted", wait, async () => {
  await go("brokers");
  const counted = async (what) => number(await page.locator(`[data-broker="1"] [data-cache="${what}"]`).innerText());
  const before = await counted("misses");
  const read = `kafka-console-consumer.sh ${AT} --topic orders --partition 0 --offset earliest --timeout-ms 1000`;
  await run(page, read);
  assert.equal(await counted("misses"), before, "what was just written is in memory");
  // What is dirty stays until it is written back, 30 s later.
  await done("workload produce --topic prices --keys 4 --rate 1 --num-records 40");
  await done("fault page-cache 1 drop");
  await run(page, read);
  await page.waitForFunction((before) => document.querySelector('[data-cache="misses"]').textContent !== String(before), before, wait);
  assert.ok(await counted("misses") > before);
});

test("nothing sticks out at any size, and axe finds nothing, in both languages", wait, async () => {
  for (const lang of ["en", "ko"]) {
    await speak(lang);
    for (const size of SIZES) {
      await page.setViewportSize(size);
      await page.evaluate(() => { location.hash = "transactions"; });
      await page.locator(`html[lang="${lang}"] [data-transaction="pay"]`).waitFor();
      assert.ok((await overflow(page)) <= 0, `${lang} ${size.width}`);
    }
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    assert.deepEqual(violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(" ")}`)), []);
  }
  assert.deepEqual(errors, []);
});
