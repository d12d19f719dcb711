// The messages, in a real browser with the real engine: seeking, filters, what arrives, what Kafka's own records say.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, open, overflow, run, serve, type } from "./lib.mjs";

const PAGE = join(import.meta.dirname, "..", "..", "dist");
/** No test takes so long, in milliseconds. */
const LIMIT = 60_000;
const AT = "--bootstrap-server localhost:9092";
/** Records of the topic that nothing else writes to. */
const COUNT = 240;

let site, browser, page, errors;
before(async () => {
  [site, browser] = [await serve([PAGE]), await launch()];
  ({ page, errors } = await open(browser.context, `${site.url}?lang=en`));
  const done = async (line, options) => {
    const ran = await run(page, line, options);
    assert.equal(ran.exit, 0, ran.err);
  };
  for (const [topic, partitions] of [["orders", 3], ["clicks", 3]]) {
    await done(`kafka-topics.sh ${AT} --create --topic ${topic} --partitions ${partitions} --replication-factor 3`);
  }
  // Batches of many records, by key: the keys go to one partition each, and k-0 to one that two others share.
  const lines = Array.from({ length: COUNT }, (_, at) => `k-${at % 2}|{"sku":"${at % 7 ? "kettle" : "teapot"}","amount":${at}}`);
  const id = await type(page, `kafka-console-producer.sh ${AT} --topic orders --reader-property parse.key=true --reader-property "key.separator=|"`);
  await page.evaluate(([number, text]) => {
    window.__worker.postMessage({ stdin: { id: number, text } });
    window.__worker.postMessage({ "stdin-closed": { id: number } });
  }, [id, `${lines.join("\n")}\n`]);
  await page.waitForSelector(`.con[data-ended="${id}"]`, { state: "attached" });
}, { timeout: LIMIT });
after(async () => {
  await browser?.close();
  await site?.close();
});

const go = async (screen) => {
  await page.evaluate((to) => (location.hash = to), screen);
  await page.locator(`.nav a[href='#${screen}'][aria-current]`).waitFor();
};
/** Opens a partition of a topic; without one that which the page opens by itself. */
async function choose(topic, partition) {
  await go("messages");
  await page.selectOption("#topic", topic);
  if (partition !== undefined) await page.selectOption("#partition", String(partition));
}
const seek = async (text) => {
  await page.fill("#seek", text);
  await page.press("#seek", "Enter");
};
const search = async (filter, { scope = "1", order = "0" } = {}) => {
  await page.fill("#filter", filter);
  await page.selectOption("#scope", scope);
  await page.selectOption("#order", order);
  await page.click("#search");
  await page.locator(".results[data-step=done]").waitFor();
  return page.locator(".results tbody tr").evaluateAll((all) =>
    all.map((row) => ({ partition: Number(row.dataset.partition), offset: Number(row.dataset.offset), cells: [...row.children].map((cell) => cell.textContent) })));
};
/** The offset of the record that is selected, once its row can be seen. */
async function selected(offset) {
  const row = page.locator(`.recs tr.sel[data-offset="${offset}"]`);
  await row.waitFor();
  await page.waitForFunction((wanted) => {
    const [row, box] = [document.querySelector(`.recs tr.sel[data-offset="${wanted}"]`), document.querySelector(".recs .scroll")].map((one) => one?.getBoundingClientRect());
    return row && row.top >= box.top && row.bottom <= box.bottom;
  }, String(offset));
  return row;
}
/** How many records a partition of the chosen topic has, as the picker says. */
const sizes = () => page.locator("#partition option").evaluateAll((all) => all.map((one) => Number(/\(([\d,]+)\)/.exec(one.textContent)?.[1].replaceAll(",", "") ?? 0)));

test("a topic is opened where it has records, and an empty partition names one that has", { timeout: LIMIT }, async () => {
  await choose("orders");
  await page.locator(".recs tbody tr").first().waitFor();
  const filled = await sizes();
  assert.equal(filled.reduce((sum, one) => sum + one, 0), COUNT);
  const empty = filled.indexOf(0);
  assert.ok(empty >= 0, `two keys leave one of three partitions empty: ${filled}`);
  assert.ok(filled[await page.locator("#partition").inputValue()] > 0);
  await page.selectOption("#partition", String(empty));
  await page.locator(".hollow", { hasText: `orders-${empty} is empty.` }).waitFor();
  await page.click("#filled");
  await page.locator(".recs tbody tr").first().waitFor();
});

test("an offset selects its record and shows it, on its page of the records; outside of the log the nearest", { timeout: LIMIT }, async () => {
  await choose("orders");
  const count = (await sizes())[await page.locator("#partition").inputValue()];
  for (const offset of [count - 1, 3, Math.floor(count / 2)]) {
    await seek(String(offset));
    await selected(offset);
    assert.equal(await page.locator("#seek-note").count(), 0);
  }
  await seek(String(count + 900));
  await selected(count - 1);
  assert.match(await page.locator("#seek-note").innerText(), new RegExp(`Offset [\\d,]+ is not there: the log is 0–${count - 1}\\. Offset ${count - 1} is shown`));
  // Nothing is offered that is not there.
  assert.equal(await page.locator("#fresh").count(), 0);
  await page.click("text=Earliest");
  await selected(0);
  assert.equal(await page.locator("#seek-note").count(), 0);
});

test("a time leads to the first record that is not older, and says so where none is", { timeout: LIMIT }, async () => {
  await choose("orders");
  await page.click("text=Earliest");
  const when = (offset) => page.locator(`.recs tr[data-offset="${offset}"] .when`).innerText();
  await selected(0);
  // As the page writes it. The first of those that have the same time is the answer.
  const all = await page.locator(".recs tbody tr").evaluateAll((rows) => rows.map((row) => ({ offset: row.dataset.offset, at: row.querySelector(".when").textContent })));
  const last = all.at(-1).at;
  await seek(last);
  await selected(all.find(({ at }) => at === last).offset);
  assert.match(await page.locator("#seek-note").innerText(), /The first record from .*Z on is offset/);
  await seek("-5h");
  await selected(0);
  await seek("2999-01-01T00:00Z");
  await page.locator("#seek-note", { hasText: "No record is from 2999-01-01 00:00:00.000Z or later" }).waitFor();
  await seek("yesterday");
  await page.locator("#seek-note.bad", { hasText: "`yesterday` is neither an offset nor a time" }).waitFor();
  assert.match(await when(0), /Z$/);
});

test("a filter finds across the partitions, and what is found opens in its batch", { timeout: LIMIT }, async () => {
  await choose("orders");
  const above = await search("value.amount >= 200");
  assert.equal(above.length, COUNT - 200);
  assert.equal(new Set(above.map(({ partition }) => partition)).size, 2);
  const teapots = await search("teapot and not key:k-1", { order: "1" });
  assert.deepEqual(teapots.map(({ cells }) => JSON.parse(cells[4]).amount), Array.from({ length: COUNT }, (_, at) => at).filter((at) => at % 7 === 0 && at % 2 === 0));
  const here = Number(await page.locator("#partition").inputValue());
  assert.ok((await search("", { scope: "0" })).every(({ partition }) => partition === here));
  const [one] = await search("value.amount == 131");
  await page.locator(".results tbody tr .link").click();
  await selected(one.offset);
  assert.equal(await page.locator("#partition").inputValue(), String(one.partition));
  assert.match(await page.locator('.whole[data-part="value"]').innerText(), /"amount": 131/);
  await page.click("#to-results");
  await page.locator(".results tbody tr").waitFor();
  await search("nothing-of-this-sort");
  await page.locator(".results .none", { hasText: "No record fulfils the filter." }).waitFor();
  await page.click("#clear-search");
});

test("a slip in a filter is pointed at, and gone once it is mended", { timeout: LIMIT }, async () => {
  await choose("orders");
  await page.fill("#filter", "value.amount > 3 and offset == x");
  await page.click("#search");
  assert.equal(await page.locator("#filter-error mark").innerText(), "x");
  assert.match(await page.locator("#filter-error").innerText(), /`offset` is a number and cannot be compared with `x`/);
  assert.equal(await page.locator("#filter").getAttribute("aria-invalid"), "true");
  await page.fill("#filter", "value.amount > 3 and offset == 4");
  await page.locator("#filter-error").waitFor({ state: "detached" });
});

test("what arrives is shown or counted: nothing is missed", { timeout: LIMIT }, async () => {
  await choose("clicks");
  await page.fill("#filter", "");
  await page.selectOption("#scope", "1");
  await page.click("#live");
  await page.locator(".results[data-step=waits]").waitFor();
  const began = await run(page, "workload start produce --topic clicks --rate 300");
  assert.equal(began.exit, 0, began.err);
  await page.waitForFunction(() => Number(document.querySelector(".results").dataset.leftOut) > 300);
  assert.match(await page.locator(".results .meta").innerText(), /200 shown · [\d,]+ records left out/);
  // Paused, it stands still, and later goes on where it stopped.
  await page.click("#live");
  await page.locator(".results[data-step=stands]").waitFor();
  const stopped = await run(page, "workload stop all");
  assert.equal(stopped.exit, 0, stopped.err);
  const ends = await run(page, `kafka-get-offsets.sh ${AT} --topic clicks`);
  const got = ends.out.trim().split("\n").reduce((sum, line) => sum + Number(line.split(":").at(-1)), 0);
  await page.click("#live");
  await page.waitForFunction((all) => {
    const { shown, leftOut } = document.querySelector(".results").dataset;
    return Number(shown) + Number(leftOut) >= all;
  }, got);
  const sum = await page.locator(".results").evaluate(({ dataset }) => Number(dataset.shown) + Number(dataset.leftOut));
  assert.equal(sum, got);
  // Newest first.
  const times = await page.locator(".results .when").evaluateAll((all) => all.slice(1).map((one) => one.textContent));
  assert.ok(times.length > 1 && times.at(0) >= times.at(-1), `${times.at(0)} before ${times.at(-1)}`);
  await page.click("#live");
  await page.click("#clear-search");
});

test("a committed offset is read in __consumer_offsets, and is the one of the groups", { timeout: LIMIT }, async () => {
  const read = await run(page, `kafka-console-consumer.sh ${AT} --topic orders --group billing --from-beginning --max-messages ${COUNT}`);
  assert.equal(read.exit, 0, read.err);
  await go("groups");
  const committed = (await page.locator("[data-group=billing] .lags tbody tr").evaluateAll((rows) => rows.map((row) => [row.querySelector(".pn").title, row.cells[2].textContent]))).filter(([, said]) => said !== "-");
  assert.ok(committed.length >= 2, "the group has committed");
  await choose("__consumer_offsets");
  assert.equal(await page.locator("#topic optgroup option[value=__consumer_offsets]").count(), 1);
  for (const [name, said] of committed) {
    const number = name.split("-").at(-1);
    const [newest] = await search(`key.group == billing and key.topic == orders and key.partition == ${number}`);
    const offset = /(?:^| )offset=(\d+)/.exec(newest.cells[4])[1];
    assert.equal(offset, said.replaceAll(",", ""), name);
  }
  await page.locator(".results tbody tr .link").first().click();
  await page.locator('.said-part[data-schema^="OffsetCommitKey"] [data-field=group]', { hasText: "billing" }).waitFor();
  await page.locator('.said-part[data-schema^="OffsetCommitValue"] [data-field=commitTimestamp]', { hasText: /20\d\d-.*Z/ }).waitFor();
  // The bytes stand beside it.
  assert.match(await page.locator('.whole[data-part="key"]').innerText(), /hex · \d+ B/);
  await search("key.group == billing and value.generation >= 1");
  await page.locator(".results tbody tr", { hasText: "members=1" }).first().locator(".link").click();
  await page.locator(".said-part.member [data-field=assignment]", { hasText: "orders-0, orders-1, orders-2" }).waitFor();
});

test("a phone shows list, batch, record and what was found, and nothing is wider; the keys reach all of it", { timeout: LIMIT }, async () => {
  await choose("orders");
  await page.setViewportSize({ width: 390, height: 844 });
  await search("teapot");
  assert.ok((await overflow(page)) <= 0, "results");
  await page.locator(".results tbody tr .link").first().focus();
  await page.keyboard.press("Enter");
  await page.locator(".recs tr.sel").waitFor();
  assert.ok((await overflow(page)) <= 0, "batches");
  await page.setViewportSize({ width: 1440, height: 900 });
  assert.deepEqual(errors, []);
});
