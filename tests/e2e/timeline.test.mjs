// The time line in a real browser with the real engine: a moment is gone back to by key and by hand, what is done there begins
// a branch, the other one is gone back to, and a reload finds the one that lives, and the others beside it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";

import { launch, open, run, serve, stored, type } from "./lib.mjs";
import { setPace } from "./screens.mjs";

const DIST = process.env.BLUMFELD_DIST ?? join(import.meta.dirname, "../../dist");
const AT = "--bootstrap-server localhost:9092";
/** No test takes so long, in milliseconds. */
const LIMIT = 120_000;
const wait = { timeout: LIMIT };

let [site, browser, page, errors] = [];
before(async () => {
  [site, browser] = [await serve([DIST]), await launch()];
  ({ page, errors } = await open(browser.context, `${site.url}?lang=en&brokers=1&cluster=timeline#topics`));
  await setPace(page, "fastest");
}, wait);
after(async () => {
  await browser?.close();
  await site?.close();
});

const handle = () => page.locator(".seek .handle");
const past = () => page.locator("#past");
/** The moment that is shown, in virtual microseconds. */
const shown = async () => Number(await handle().inputValue());
/** Time stands still, and the page shows where. */
const still = async () => {
  await setPace(page, "paused");
  await page.locator(".seek .next-up").waitFor(wait);
};
const branches = () => page.locator(".seek .branches .branch").allInnerTexts();

/** Waits until the high watermark of orders-0 is shown to be so; none of a topic that is not there. */
const untilEnd = (end) =>
  page.waitForFunction(
    (want) => {
      const nums = document.querySelector('.topic[data-topic="orders"] .lead .nums');
      const labels = [...(nums?.querySelectorAll(".k") ?? [])];
      const found = labels.find((label) => label.textContent === "HW")?.nextElementSibling?.textContent;
      return want === null ? !nums : found === String(want);
    },
    end,
    wait,
  );

async function done(line) {
  const ended = await run(page, line);
  assert.equal(ended.exit, 0, `${line}: ${ended.err}`);
  return ended.out;
}

/** Where ten records were, and twenty are. */
let ten;

test("keys go back and forth, and the page says that it is the past", wait, async () => {
  await done(`kafka-topics.sh ${AT} --create --topic orders`);
  await done("workload produce --topic orders --rate 100 --num-records 10");
  await untilEnd(10);
  await still();
  ten = await shown();
  await setPace(page, "fastest");
  await done("workload produce --topic orders --rate 100 --num-records 10");
  await untilEnd(20);
  await still();
  const end = await shown();
  assert.ok(end > ten);
  await handle().press("Home");
  await past().waitFor(wait);
  await untilEnd(null);
  assert.ok((await shown()) < ten);
  const first = await shown();
  await handle().press("Shift+ArrowRight");
  await page.waitForFunction((before) => Number(document.querySelector(".handle").value) > before, first, wait);
  assert.equal((await shown()) - first, 100_000);
  await handle().press("End");
  await past().waitFor({ state: "detached", ...wait });
  await untilEnd(20);
  assert.equal(await shown(), end);
  await handle().press("ArrowLeft");
  await past().waitFor(wait);
  await page.click("#back-to-now");
  await past().waitFor({ state: "detached", ...wait });
  assert.deepEqual(await branches(), [], "who only looks begins no branch");
});

test("the handle is dragged to a moment", wait, async () => {
  const box = await handle().boundingBox();
  const middle = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width - 8, middle);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, middle, { steps: 5 });
  await page.mouse.up();
  await past().waitFor(wait);
  assert.match(await past().innerText(), /You are looking at \d\d:\d\d\.\d{3} \d{3}\. Act, and a branch begins/);
  await page.click("#back-to-now");
  await past().waitFor({ state: "detached", ...wait });
});

test("a number says what set it, and odds are counted while the page goes on", wait, async () => {
  await page.click('.topic[data-topic="orders"] .lead');
  const high = page.locator('.insp .ask[data-why="high_watermark orders 0"]');
  assert.equal(await high.innerText(), "20");
  await high.click();
  const chain = page.locator(".con", { hasText: /high_watermark\("orders", 0\) is 20 since [^]*Produce v\d+ from/ });
  await chain.waitFor(wait);
  assert.match(await done("why leader orders 0"), /CreateTopics v\d+ from adminclient-1/);
  const odds = await done(`odds up(1) --from ${ten / 1e6} --for 2s --seeds 30`);
  assert.match(odds, /up\(1\) came true in 30 of 30 copies/);
  // One that would take long is ended by hand, and says how far it came.
  const id = await type(page, "odds not up(1) --for 600s --seeds 5000");
  await page.waitForSelector(`#prompt[data-running="${id}"]`, wait);
  await page.press("#prompt", "Control+c");
  await page.waitForSelector(`.con[data-ended="${id}"]`, { state: "attached", ...wait });
});

test("a line asks for a moment, and what is done there begins a branch", wait, async () => {
  assert.match(await done("timeline"), /^It is .*\nIt can be rewound to .* checkpoint.*\n\* main up to/);
  await done(`timeline to ${ten / 1e6}`);
  await past().waitFor(wait);
  await untilEnd(10);
  await type(page, `kafka-topics.sh ${AT} --create --topic payments`);
  await past().waitFor({ state: "detached", ...wait });
  await setPace(page, "fastest");
  await page.locator('.topic[data-topic="payments"]').waitFor(wait);
  assert.deepEqual(await branches(), ["main"]);
  await untilEnd(10);
  assert.match(await done("timeline"), /\* kafka-topics forks from main at/);
  assert.match(await done("timeline diff main"), /orders-0 high watermark: 10 in kafka-topics, 20 in main\n[^]*orders-0@10 \(-\) only in main/);
});

test("the branch that was left is gone back to, and a reload finds the one that lives", wait, async () => {
  await page.click(".seek .branch >> text=main");
  await untilEnd(20);
  assert.equal(await page.locator('.topic[data-topic="payments"]').count(), 0);
  assert.deepEqual(await branches(), ["kafka-topics"]);
  // Of a cluster that hurries the store would never have all.
  await still();
  await stored(page);
  await page.reload();
  await page.waitForFunction(() => document.documentElement.dataset.state === "ready", null, wait);
  await setPace(page, "fastest");
  await untilEnd(20);
  assert.equal(await page.locator('.topic[data-topic="payments"]').count(), 0);
  assert.match(await done(`kafka-get-offsets.sh ${AT} --topic orders`), /orders:0:20/);
});

test("after the reload the other branches are still there, and can live again", wait, async () => {
  assert.deepEqual(await branches(), ["kafka-topics", "main-before"]);
  assert.match(await done("timeline"), /\* main goes on from main-before as it was stored at/);
  await page.click(".seek .branch >> text=kafka-topics");
  await page.locator('.topic[data-topic="payments"]').waitFor(wait);
  await untilEnd(10);
  await handle().press("Home");
  await past().waitFor(wait);
  await untilEnd(null);
  await page.click("#back-to-now");
  await past().waitFor({ state: "detached", ...wait });
  await setPace(page, "fastest");
  assert.match(await done(`kafka-get-offsets.sh ${AT} --topic orders`), /orders:0:10/);
  assert.match(await done("timeline"), /\* kafka-topics forks from main-before at/);
});

test("nothing failed on the way", () => assert.deepEqual(errors, []));
