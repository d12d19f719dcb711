// Log directories in a real browser with the real engine: what one cluster exports another one opens, with its records and what its
// groups have committed. What Apache Kafka makes of an export is the business of `cargo xtask conformance --java`.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, open, run, serve, untilState } from "./lib.mjs";

const DIST = process.env.BLUMFELD_DIST ?? join(import.meta.dirname, "../../dist");
const AT = "--bootstrap-server localhost:9092";
/** No test takes so long, in milliseconds. */
const LIMIT = 120_000;
const LINES = Array.from({ length: 60 }, (_, at) => `order ${at}`);

let [site, browser, folder] = [];
before(async () => {
  [site, browser] = [await serve([DIST]), await launch()];
  folder = await mkdtemp(join(tmpdir(), "blumfeld-logdirs-"));
}, { timeout: LIMIT });
after(async () => {
  await browser?.close();
  await site?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** What a console command prints; it has to succeed. */
async function out(page, line, more) {
  const { exit, out: said, err } = await run(page, line, more);
  assert.equal(exit, 0, err);
  return said;
}

const records = async (page) => (await out(page, `kafka-console-consumer.sh ${AT} --topic orders --from-beginning --max-messages ${LINES.length}`)).trim().split("\n").sort();
const committed = async (page) => {
  const lines = (await out(page, `kafka-consumer-groups.sh ${AT} --describe --group billing --offsets`)).trim().split("\n");
  return lines.filter((line) => line.startsWith("billing")).map((line) => line.split(/ +/).slice(0, 4).join(" ")).sort();
};

/** Drops a file on the page. */
async function dropped(page, name, bytes) {
  const data = await page.evaluateHandle(([named, base64]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], named));
    return transfer;
  }, [name, bytes.toString("base64")]);
  await page.dispatchEvent(".stage", "drop", { dataTransfer: data });
}

const said = async (page, word) => {
  await page.locator(`.log-dirs .box[data-word=${word}]`).waitFor({ timeout: LIMIT });
  return (await page.locator(".log-dirs .sentences li").allInnerTexts()).join("\n");
};

/** Opens what was found, and waits until the other cluster is there. */
async function replaced(page, brokers) {
  await page.click("#open-log-dirs");
  await page.locator(".log-dirs").waitFor({ state: "detached", timeout: LIMIT });
  await untilState(page, "ready", LIMIT);
  await page.waitForFunction((count) => document.querySelectorAll(".brk-card").length === count, brokers, { timeout: LIMIT });
}

test("a cluster that was exported is opened elsewhere, whole and one broker of it", { timeout: 3 * LIMIT }, async () => {
  const one = await open(browser.context, `${site.url}?lang=en&brokers=3&cluster=exports#brokers`);
  await out(one.page, `kafka-topics.sh ${AT} --create --topic orders --partitions 2 --replication-factor 3`);
  await out(one.page, `kafka-console-producer.sh ${AT} --topic orders`, { stdin: LINES });
  await out(one.page, `kafka-console-consumer.sh ${AT} --topic orders --group billing --from-beginning --max-messages 40`);
  const [have, offsets] = [await records(one.page), await committed(one.page)];
  assert.deepEqual(have, [...LINES].sort());
  // The lines may all have gone to one partition: without keys a batch does.
  assert.ok(offsets.length > 0);
  const [download] = await Promise.all([one.page.waitForEvent("download"), one.page.click("#export-all")]);
  assert.equal(download.suggestedFilename(), "cluster.tar");
  const tar = join(folder, "cluster.tar");
  await download.saveAs(tar);
  assert.deepEqual(one.errors, []);
  await one.page.close();

  const two = await open(browser.context, `${site.url}?lang=en&brokers=1&cluster=imports#brokers`);
  await out(two.page, `kafka-topics.sh ${AT} --create --topic old --partitions 1`);
  // A file that is cut is said to be, and changes nothing.
  const bytes = await readFile(tar);
  await dropped(two.page, "cut.tar", bytes.subarray(0, 20_000));
  assert.match(await said(two.page, "wrong"), /cut\.tar is cut|cut\.tar cannot be read/);
  await two.page.click("#forget-log-dirs");
  assert.match(await out(two.page, `kafka-topics.sh ${AT} --list`), /^old$/m);
  await dropped(two.page, "cluster.tar", bytes);
  assert.match(await said(two.page, "found"), /^A whole cluster, opened as it is: brokers 1, 2, 3; 1 topic, 2 partitions, 60 records/);
  await replaced(two.page, 3);
  assert.deepEqual(await records(two.page), have);
  assert.deepEqual(await committed(two.page), offsets);
  assert.doesNotMatch(await out(two.page, `kafka-topics.sh ${AT} --list`), /old/);
  // It is what the browser's storage has.
  await two.page.reload();
  await untilState(two.page, "ready", LIMIT);
  assert.deepEqual(await records(two.page), have);

  // One broker's folder alone is a cluster of its own.
  execFileSync("tar", ["-xf", tar, "-C", folder]);
  await two.page.setInputFiles("#pick-folder", join(folder, "broker-2"));
  assert.match(await said(two.page, "found"), /^A new cluster of one broker, with new metadata .* voters 1, 3 are missing; 1 topic, 2 partitions, 60 records/);
  await replaced(two.page, 1);
  assert.deepEqual(await records(two.page), have);
  assert.deepEqual(await committed(two.page), offsets);
  // It takes new records, and its group goes on where it was; the partition that it had committed nothing of begins.
  await out(two.page, `kafka-console-producer.sh ${AT} --topic orders`, { stdin: ["order 60"] });
  const rest = await out(two.page, `kafka-console-consumer.sh ${AT} --topic orders --group billing --from-beginning --max-messages 21`);
  assert.equal(rest.trim().split("\n").length, 21);
  assert.deepEqual(two.errors, []);
  await two.page.close();
});

test("directories of Apache Kafka's are read in the browser", { timeout: LIMIT }, async () => {
  const kafka = await readFile(join(import.meta.dirname, "../../crates/logdirs/tests/kafka/standalone.tar.gz"));
  const own = await open(browser.context, `${site.url}?lang=ko&brokers=1&cluster=kafkas#brokers`);
  await dropped(own.page, "kafka-logs.tar.gz", kafka);
  assert.match(await said(own.page, "found"), /^온전한 클러스터라서 그대로 엽니다\. 브로커 1, 토픽 7개, 파티션 14개/);
  await replaced(own.page, 1);
  const lines = await out(own.page, `kafka-console-consumer.sh ${AT} --topic codec-zstd --from-beginning --max-messages 500`);
  assert.equal(lines.trim().split("\n").length, 500);
  assert.match(await out(own.page, `kafka-consumer-groups.sh ${AT} --describe --group transactional-group --offsets`), /codec-none +0 +102/);
  assert.deepEqual(own.errors, []);
  await own.page.close();
});
