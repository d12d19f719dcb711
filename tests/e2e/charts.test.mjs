// The charts of the dock, and two runs side by side: what they say is what the cluster and the engine say.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, run, sent, serve } from "./lib.mjs";
import { atWork, setPace, turn, untilClock } from "./screens.mjs";

const ROOT = join(import.meta.dirname, "..", "..");
/** No test takes so long, in milliseconds. */
const LIMIT = 300_000;

let [site, browser, page, errors] = [];
before(async () => {
  [site, browser] = [await serve([join(ROOT, "dist")]), await launch()];
  ({ page, errors } = await atWork(browser.context, site.url));
  await setPace(page, "paused");
  await page.locator('.transport #run[aria-label="Run"]').waitFor();
  await page.evaluate(await readFile(join(import.meta.dirname, "node_modules/axe-core/axe.min.js"), "utf8"));
}, { timeout: LIMIT });
after(async () => {
  await browser?.close();
  await site?.close();
});

const chart = (name) => page.locator(`.p-charts [data-chart="${name}"]`);
const number = (text) => Number(text.replaceAll(",", ""));
const wait = { timeout: LIMIT };

/** What axe finds, a line for each element. */
async function faults() {
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(" ")}`));
}

test("the lag's last value is the one of the groups, on the picture, in its name and in the table", wait, async () => {
  await turn(page, { screen: "groups", theme: "light", lang: "en" });
  const groups = await page.locator(".mach.group").evaluateAll((all) => all.map((card) =>
    [card.dataset.group, [...card.querySelectorAll(".lags tbody tr")].reduce((sum, row) => sum + Number(row.cells[4].textContent.replaceAll(",", "")), 0)]));
  assert.equal(groups.length, 3);
  const label = await chart("lag").getAttribute("aria-label");
  for (const [id, lag] of groups) {
    const told = label.match(new RegExp(`${id}: ([\\d,]+) now, ([\\d,]+) least, ([\\d,]+) most`));
    assert.equal(number(told[1]), lag, label);
    assert.ok(number(told[2]) <= lag && lag <= number(told[3]), label);
  }
  assert.equal(number(await chart("lag").locator(".ct b").innerText()), groups[0][1]);
  await page.click(".p-charts button[aria-pressed]");
  await page.locator(".charts-table").waitFor();
  const cells = await page.locator(".charts-table tbody tr").first().locator('[data-of="lag"]').allInnerTexts();
  assert.deepEqual(cells.map(number), groups.map(([, lag]) => lag));
  await page.click(".p-charts button[aria-pressed]");
});

test("an axis ends at most a quarter above what is drawn, in every range", wait, async () => {
  for (const range of ["short", "middle", "session"]) {
    await page.selectOption(".p-charts select", range);
    const label = await chart("lag").getAttribute("aria-label");
    const most = Math.max(...[...label.matchAll(/([\d,]+) most/g)].map(([, most]) => number(most)));
    const top = number(await chart("lag").locator(".ymax").innerText());
    assert.ok(top >= most && top <= most * 1.25, `${range}: ${top} over ${most}`);
  }
  await page.selectOption(".p-charts select", "short");
});

test("a broker that is down leaves a band, with its legend", wait, async () => {
  assert.equal(await page.locator(".down-key").count(), 0);
  await setPace(page, { times: 10 });
  await run(page, "fault crash 3");
  await page.locator(".down-key", { hasText: "broker 3 down" }).waitFor();
  await chart("lag").locator("svg .band").waitFor({ state: "attached" });
  await run(page, "fault restart 3");
});

test("a comparison runs to its result while the cluster goes on, and its line runs here", wait, async () => {
  await turn(page, { screen: "compare", theme: "light", lang: "en" });
  await setPace(page, { times: 1 });
  await page.click('[data-preset="linger"]');
  const begun = await page.evaluate(() => window.__heard.now);
  await page.click("#compare-run");
  await page.locator(".cmp-run progress").waitFor();
  // The page's own cluster goes on meanwhile, a second and more.
  await untilClock(page, begun + 1e6);
  await page.locator('[data-result="linger"]').waitFor({ timeout: 120_000 });
  const rows = await page.locator(".cmp-table tbody tr").evaluateAll((all) => all.map((row) =>
    [row.querySelector("th").textContent, ...[...row.querySelectorAll("td.num")].map((cell) => cell.textContent)]));
  const [, without, lingering] = rows.find(([name]) => name === "Produce requests");
  assert.ok(number(lingering) < number(without), `${without} ${lingering}`);
  assert.deepEqual(await page.locator(".cmp-lines mark").allInnerTexts(),
    ["--linger-ms 0", "--batch-size 16384", "--linger-ms 20", "--batch-size 65536"]);
  await page.locator('.cmp-lines [data-side="B"] button').click();
  const { console: pressed } = (await sent(page)).findLast((command) => command?.console);
  assert.match(pressed.line, /^workload start produce .*--linger-ms 20/);
  await setPace(page, "paused");
  await page.locator('.transport #run[aria-label="Run"]').waitFor();
  assert.deepEqual(await faults(), []);
});

test("a comparison can be stopped, and another begun", wait, async () => {
  await page.click('[data-preset="acks"]');
  // Longer than it takes to press the button.
  const longest = await page.locator(".secs option").last().getAttribute("value");
  await page.selectOption(".secs select", longest);
  await page.click("#compare-run");
  await page.click("#compare-stop");
  await page.locator("[role=status]", { hasText: "was stopped" }).waitFor();
  assert.equal(await page.locator('[data-result="linger"]').count(), 1, "the last result stays");
});

test("in Korean, dark, and narrow: nothing for axe to say, nothing wider than the window", wait, async () => {
  await setPace(page, "paused");
  await turn(page, { screen: "compare", theme: "dark", lang: "ko" });
  assert.match(await page.locator(".cmp").innerText(), /나란히|설정 하나만/);
  assert.match(await chart("lag").getAttribute("aria-label"), /지금 .*최소 .*최대/);
  assert.deepEqual(await faults(), []);
  await page.click(".p-charts button[aria-pressed]");
  assert.deepEqual(await faults(), []);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.click(".t-charts");
  await page.locator(".charts-table").waitFor();
  assert.deepEqual(await faults(), []);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
  assert.deepEqual(errors, []);
});
