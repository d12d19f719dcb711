// Sessions as links in a real browser with the real engine: what was done is done again elsewhere, links that were changed or cut
// run nothing, a frame on another origin works and keeps nothing, and a lesson that somebody wrote travels as a link.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";

import { launch, open, run, serve, untilState } from "./lib.mjs";
import { setPace } from "./screens.mjs";

const DIST = process.env.BLUMFELD_DIST ?? join(import.meta.dirname, "../../dist");
const AT = "--bootstrap-server localhost:9092";
/** No test takes so long, in milliseconds. */
const LIMIT = 120_000;
const wait = { timeout: LIMIT };
/** A link that was made when there were links for the first time: it opens for ever. */
const FIRST = join(import.meta.dirname, "../fixtures/permalink-1.txt");

let [site, browser] = [];
before(async () => {
  [site, browser] = [await serve([DIST]), await launch()];
}, wait);
after(async () => {
  await browser?.close();
  await site?.close();
});

/** How a partition stands, as kafka-get-offsets says. */
async function ends(page, topic) {
  const told = await run(page, `kafka-get-offsets.sh ${AT} --topic ${topic}`);
  return told.out.trim().split("\n").sort();
}

async function shared(page) {
  await page.click("#share");
  const link = await page.locator("#share-link").inputValue(wait);
  await page.locator(".share-gate .quiet").click();
  return link;
}

test("what was done is done again from a link, and stands still where it stood", wait, async () => {
  const { page } = await open(browser.context, `${site.url}?lang=en&cluster=to-share&seed=11`);
  await run(page, `kafka-topics.sh ${AT} --create --topic orders --partitions 3`);
  await run(page, "workload produce --topic orders --num-records 50 --keys 7 --rate 100");
  await page.locator('.topic[data-topic="orders"]').waitFor(wait);
  await setPace(page, "paused");
  const link = await shared(page);
  assert.match(link, /#s\/1\/[A-Za-z0-9_-]+$/);
  await setPace(page, { times: 1 });
  const mine = await ends(page, "orders");
  await page.close();

  const { page: other, errors } = await open(browser.context, link);
  await other.getByText("This is a shared session").waitFor(wait);
  assert.match(other.url(), /cluster=shared-[0-9a-f]{16}/);
  await other.locator('.transport .ctl.primary[aria-label="Run"]').waitFor(wait);
  await setPace(other, { times: 1 });
  assert.deepEqual(await ends(other, "orders"), mine);
  // A reload goes on with what is stored now, and runs nothing again.
  await run(other, `kafka-topics.sh ${AT} --create --topic mine`);
  await setPace(other, "paused");
  await other.evaluate(() => new Promise((done) => {
    window.__worker.addEventListener("message", ({ data }) => data === "flushed" && done());
    window.__worker.postMessage("flush");
  }));
  await other.reload();
  await untilState(other, "ready");
  await setPace(other, { times: 1 });
  assert.match((await run(other, `kafka-topics.sh ${AT} --list`)).out, /mine/);
  assert.deepEqual(errors, []);
  await other.close();
});

test("a session of one line is over at once, and its lesson begins", wait, async () => {
  const { page } = await open(browser.context, `${site.url}?lang=en&cluster=short&lesson=quick-start&seed=5`);
  await page.locator('aside.lesson[data-ready="true"]').waitFor(wait);
  const made = { at: "0.000001s", line: "help" };
  const file = { blumfeld: 1, seed: 5, brokers: 3, empty: true, lines: [made], lesson: { id: "quick-start", step: 1 } };
  await page.evaluate((text) => sessionStorage.setItem("blumfeld.shared-file", text), JSON.stringify(file));
  await page.reload();
  await page.getByText("This is a shared session").waitFor(wait);
  await page.locator('aside.lesson[data-ready="true"]').waitFor(wait);
  await page.close();
});

test("a link that was changed, cut or made by another version says so and runs nothing", wait, async () => {
  const link = (await readFile(FIRST, "utf8")).trim();
  for (const [bad, said] of [
    [link.slice(0, -9), /cannot be opened/],
    [link.replace("#s/1/", "#s/7/"), /7/],
    [`${link.slice(0, 30)}AAAA${link.slice(34)}`, /cannot be opened/],
    ["#s/1/", /cannot be opened/],
    ["#l/1/AAAA", /cannot be opened/],
  ]) {
    const { page } = await open(browser.context, `${site.url}?lang=en&begin=empty${bad}`);
    const notice = page.locator(".notice.fault").first();
    await notice.waitFor(wait);
    assert.match(await notice.innerText(), said, bad);
    assert.match(await notice.innerText(), /Nothing was run/);
    assert.doesNotMatch(page.url(), /shared-/);
    await page.close();
  }
});

test("the first link that was ever made opens", wait, async () => {
  const { page } = await open(browser.context, `${site.url}${(await readFile(FIRST, "utf8")).trim()}`);
  await page.getByText(/shared session/).waitFor(wait);
  await setPace(page, { times: 1 });
  assert.match((await run(page, `kafka-topics.sh ${AT} --list`)).out, /orders/);
  await page.close();
});

test("a frame on another origin shows the session, keeps nothing, and opens in full", wait, async () => {
  const link = (await readFile(FIRST, "utf8")).trim();
  const host = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end(`<!doctype html><title>host</title><iframe src="${site.url}?embed=1&lang=en${link}" width="960" height="600"></iframe>`);
  });
  await new Promise((done) => host.listen(0, "127.0.0.1", done));
  try {
    const page = await browser.context.newPage();
    // Another host name is another origin.
    await page.goto(`http://localhost:${host.address().port}/`);
    const frame = page.frameLocator("iframe");
    await frame.locator('html[data-state="ready"]').waitFor({ ...wait, state: "attached" });
    await frame.locator(".board .broker").first().waitFor(wait);
    assert.equal(await frame.locator(".nav:visible").count(), 0);
    assert.match(await frame.locator(".in-full").getAttribute("href"), /#s\/1\//);
    const inner = page.frames().find((one) => one.url().includes("embed=1"));
    // A browser may well refuse a frame all storage.
    const stored = await inner.evaluate(() =>
      indexedDB.databases().then((all) => all.map((one) => one.name), () => []),
    );
    assert.deepEqual(stored.filter((name) => name.includes("shared-")), []);
    await page.close();
  } finally {
    host.close();
  }
});

test("a lesson is built from what was done, tried, and given away as a link", wait, async () => {
  const { page } = await open(browser.context, `${site.url}?lang=en&cluster=builder`);
  await run(page, `kafka-topics.sh ${AT} --create --topic built --partitions 2`);
  await page.evaluate(() => (location.hash = "build"));
  const builder = page.locator(".screen.builder");
  await builder.waitFor(wait);
  assert.match(await builder.locator(".l-said").innerText(), /Line \d+, column \d+/);
  await builder.getByText("Take as the solution of step 1").click();
  await builder.getByRole("button", { name: 'partitions("built") == 2' }).click();
  const words = async (label, en, ko) => {
    await builder.getByLabel(`${label}, English`, { exact: true }).first().fill(en);
    await builder.getByLabel(`${label}, Korean`, { exact: true }).first().fill(ko);
  };
  await builder.getByLabel("Name, as in the address").fill("built-here");
  for (const [label, en, ko] of [
    ["Title", "Two partitions", "파티션 두 개"],
    ["What one knows afterwards", "How to make two.", "두 개를 만드는 법을 압니다."],
    ["Title of the step", "Make it", "만들기"],
    ["What to read", "Make a topic `built` with two partitions.", "파티션이 두 개인 `built` 토픽을 만드십시오."],
    ["What it is", "It has two", "두 개입니다"],
    ["While it is not so", "Not yet.", "아직입니다."],
    ["Hint 1", "One", "하나"],
    ["Hint 2", "Two", "둘"],
    ["Hint 3", "Three", "셋"],
    ["What to read once it is reached", "Done.", "되었습니다."],
  ]) {
    await words(label, en, ko);
  }
  await builder.getByText("The file is right").waitFor(wait);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#build-save")]);
  const file = join(tmpdir(), `built-${process.pid}.toml`);
  await download.saveAs(file);
  assert.match(await readFile(file, "utf8"), /id = 'built-here'/);
  await browser.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.click("#build-share");
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(link, /#l\/1\//);
  await page.click("#build-try");
  await page.locator('aside.lesson[data-ready="true"]').waitFor(wait);
  await page.close();

  // Somebody else, who has only the link.
  const fresh = await launch();
  try {
    const { page: theirs } = await open(fresh.context, `${link.replace("#", "?lang=ko#")}`);
    await theirs.locator('aside.lesson[data-ready="true"]').waitFor(wait);
    await run(theirs, `kafka-topics.sh ${AT} --create --topic built --partitions 2`);
    await theirs.locator('aside.lesson[data-reached="true"]').waitFor(wait);
    assert.match(await theirs.locator("aside.lesson h2").innerText(), /파티션 두 개/);
  } finally {
    await fresh.close();
  }
});
