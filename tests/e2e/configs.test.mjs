// Configs in a real browser with the real engine: what the form does is what Kafka's own tool says.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, open, overflow, run, sent, serve } from "./lib.mjs";
import { SIZES } from "./screens.mjs";

const DIST = process.env.BLUMFELD_DIST ?? join(import.meta.dirname, "../../dist");
const AT = "--bootstrap-server localhost:9092";
const ORDERS = "--entity-type topics --entity-name orders";
/** No test takes so long, in milliseconds. */
const LIMIT = 120_000;
const wait = { timeout: LIMIT };

let [site, browser, page, errors] = [];
before(async () => {
  [site, browser] = [await serve([DIST]), await launch()];
  ({ page, errors } = await open(browser.context, `${site.url}?lang=en&brokers=1&cluster=configs`));
  await page.evaluate(await readFile(join(import.meta.dirname, "node_modules/axe-core/axe.min.js"), "utf8"));
  const made = await run(page, `kafka-topics.sh ${AT} --create --topic orders --partitions 1`);
  assert.equal(made.exit, 0, made.err);
}, wait);
after(async () => {
  await browser?.close();
  await site?.close();
});

const row = (name) => page.locator(`[data-config="${name}"]`);
const lines = async () => (await sent(page)).flatMap((command) => command?.console?.line ?? []);

/** Waits until a config's value comes from there. */
const comesFrom = (name, from) => row(name).locator(".source code", { hasText: new RegExp(`^${from}$`) }).waitFor();

/** Goes to the configs of something, by the address. */
async function go(place) {
  await page.evaluate((hash) => { location.hash = hash; }, `configs/${place}`);
  await page.waitForFunction((value) => document.querySelector("#configs-of")?.value === value, `configs/${place}`);
}

/** Opens or closes a config's row. */
const press = (name) => row(name).locator("button").click();

/** Runs what the open form says: its line, and what it says came of it. */
async function submit() {
  const line = (await page.locator("#config-form .will code").innerText()).trim();
  await page.click("#run-config");
  await page.locator("#config-form .came").waitFor();
  assert.equal((await lines()).at(-1), line);
  return [line, await page.locator("#config-form .came").innerText()];
}

/** What Kafka's tool says of a config: its value and where it could come from. */
async function described(entity, name) {
  const { out, exit, err } = await run(page, `kafka-configs.sh ${AT} --describe ${entity} --all`);
  assert.equal(exit, 0, err);
  const [, value, synonyms] = out.match(new RegExp(`^  ${name.replaceAll(".", "\\.")}=(\\S*) sensitive=false synonyms=\\{(.*)\\}$`, "m"));
  return { value, synonyms: synonyms === "" ? [] : synonyms.split(", ") };
}

/** The same as the page shows it, of a row that is open. */
async function shown(name) {
  const value = await row(name).locator(".val").innerText();
  const synonyms = await page.locator(".chain li").evaluateAll((all) => all.map((one) => {
    const [from, name, value] = [...one.querySelectorAll("code")].map((code) => code.textContent);
    return `${from}:${name}${value}`;
  }));
  return { value, synonyms };
}

test("a topic's config is set by the form, seen in the tool, and deleted again", wait, async () => {
  await page.click('.topic[data-topic="orders"] .to-configs');
  await comesFrom("retention.ms", "DEFAULT_CONFIG");
  assert.equal(await row("retention.ms").locator(".words").innerText(), "7 d");
  await press("retention.ms");
  assert.deepEqual(await shown("retention.ms"), await described(ORDERS, "retention.ms"));
  // Nothing is set here that could be deleted.
  await page.click("#config-delete");
  assert.ok(await page.locator("#run-config").isDisabled());
  await page.click("#config-set");
  await page.fill("#config-value", "60000");
  const [set, said] = await submit();
  assert.equal(set, `kafka-configs.sh ${AT} --alter ${ORDERS} --add-config retention.ms=60000`);
  assert.equal(said, "Completed updating config for topic orders.");
  await comesFrom("retention.ms", "DYNAMIC_TOPIC_CONFIG");
  assert.equal(await row("retention.ms").locator(".words").innerText(), "1 min");
  const now = await described(ORDERS, "retention.ms");
  assert.equal(now.value, "60000");
  assert.deepEqual(await shown("retention.ms"), now);
  await page.click("#only-set");
  const names = await page.locator(".configs-table [data-config]").evaluateAll((all) => all.map((one) => one.dataset.config));
  assert.ok(names.includes("retention.ms") && !names.includes("segment.ms"), names.join());
  await page.click("#only-set");
  await page.click("#config-delete");
  const [unset] = await submit();
  assert.equal(unset, `kafka-configs.sh ${AT} --alter ${ORDERS} --delete-config retention.ms`);
  await comesFrom("retention.ms", "DEFAULT_CONFIG");
  assert.equal((await described(ORDERS, "retention.ms")).value, "604800000");
  await press("retention.ms");
  assert.deepEqual(errors, []);
});

test("a value that Kafka refuses is refused in the form, in Kafka's words, and changes nothing", wait, async () => {
  await go("topic/orders");
  await page.fill("#find-config", "segment.m");
  await press("segment.ms");
  const before = await shown("segment.ms");
  await page.fill("#config-value", "soon");
  const [line, said] = await submit();
  assert.match(said, /^InvalidConfigurationException: Invalid value soon for configuration segment\.ms/);
  assert.equal(await page.locator("#config-form .came").getAttribute("data-exit"), "1");
  const { err } = await run(page, line);
  assert.ok(err.includes(said.split(": ").slice(1).join(": ")), err);
  assert.deepEqual(await shown("segment.ms"), before);
  await press("segment.ms");
  await page.fill("#find-config", "");
});

test("what is set for all brokers is seen at each, and at topics; what the console changes is seen too", wait, async () => {
  await go("brokers");
  // By KIP-966 the cluster has set this one itself.
  await comesFrom("min.insync.replicas", "DYNAMIC_DEFAULT_BROKER_CONFIG");
  assert.equal(await row("log.retention.ms").count(), 0);
  await page.click("#set-config");
  await page.fill("#config-name", "log.retention.ms");
  await page.fill("#config-value", "120000");
  const [line] = await submit();
  assert.equal(line, `kafka-configs.sh ${AT} --alter --entity-type brokers --entity-default --add-config log.retention.ms=120000`);
  await comesFrom("log.retention.ms", "DYNAMIC_DEFAULT_BROKER_CONFIG");
  await go("broker/1");
  await comesFrom("log.retention.ms", "DYNAMIC_DEFAULT_BROKER_CONFIG");
  await press("log.retention.ms");
  assert.deepEqual(await shown("log.retention.ms"), await described("--entity-type brokers --entity-name 1", "log.retention.ms"));
  const own = await run(page, `kafka-configs.sh ${AT} --alter --entity-type brokers --entity-name 1 --add-config log.retention.ms=180000`);
  assert.equal(own.exit, 0, own.err);
  await comesFrom("log.retention.ms", "DYNAMIC_BROKER_CONFIG");
  // For all brokers, from the row of one.
  await page.selectOption("#config-scope", "all");
  await page.click("#config-delete");
  const [unset] = await submit();
  assert.match(unset, /--entity-default --delete-config log\.retention\.ms$/);
  await press("log.retention.ms");
  await press("node.id");
  assert.match(await page.locator("tr.opened").innerText(), /cannot be changed while the broker runs/);
  assert.equal(await page.locator("#config-form").count(), 0);
  await press("node.id");
  await go("topic/orders");
  await comesFrom("retention.ms", "DYNAMIC_BROKER_CONFIG");
});

test("nothing sticks out, and axe finds nothing, at each size and in both languages", wait, async () => {
  await go("topic/orders");
  await press("retention.ms");
  for (const lang of ["ko", "en"]) {
    await page.evaluate((wanted) => document.querySelector(`.seg2 [lang="${wanted}"]`).click(), lang);
    await page.locator("#h-configs", { hasText: lang === "ko" ? "설정" : "Configs" }).waitFor();
    for (const size of SIZES) {
      await page.setViewportSize(size);
      assert.ok((await overflow(page)) <= 0, `${lang} ${size.width}`);
    }
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    assert.deepEqual(violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(" ")}`)), []);
  }
  await page.setViewportSize(SIZES[0]);
});
