// Lessons in a real browser with the real engine: the first one is done from its first line to its end, by mouse and by keyboard
// alone, in both languages; hints, the solution, going back, a reload, progress out and in.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { tmpdir } from "node:os";

import { launch, open, overflow, run, serve, stored, untilState } from "./lib.mjs";
import { setPace } from "./screens.mjs";

const DIST = process.env.BLUMFELD_DIST ?? join(import.meta.dirname, "../../dist");
/** No test takes so long, in milliseconds. */
const LIMIT = 120_000;
const wait = { timeout: LIMIT };

let [site, browser] = [];
before(async () => {
  [site, browser] = [await serve([DIST]), await launch()];
}, wait);
after(async () => {
  await browser?.close();
  await site?.close();
});

const lesson = (page) => page.locator("aside.lesson");
const atStep = (page, step) => page.locator(`aside.lesson[data-ready="true"][data-step="${step}"]`).waitFor(wait);
const reached = (page) => page.locator('aside.lesson[data-reached="true"]').waitFor(wait);
const address = (name, more = "") => `${site.url}?lesson=${name}&lang=en${more}#stage`;

/** The quick start's three steps, each by what `does` does with its line. */
async function quickStart(page, does) {
  await atStep(page, 1);
  await does("kafka-topics.sh --create --topic quickstart-events --bootstrap-server localhost:9092");
  await reached(page);
  await does("next");
  await atStep(page, 2);
  await does("echo one | kafka-console-producer.sh --topic quickstart-events --bootstrap-server localhost:9092");
  await page.locator(".goals .yet, .l-said.near").first().waitFor(wait);
  await does("echo two | kafka-console-producer.sh --topic quickstart-events --bootstrap-server localhost:9092");
  await reached(page);
  await does("next");
  await atStep(page, 3);
  await does("predict");
  await does("kafka-console-consumer.sh --topic quickstart-events --from-beginning --max-messages 2 --bootstrap-server localhost:9092");
  await reached(page);
}

test("the first lesson is done by mouse, and its end is told", wait, async () => {
  const { page, errors } = await open(browser.context, address("quick-start"));
  await setPace(page, "fastest");
  await quickStart(page, async (what) => {
    if (what === "next") await page.click("#lesson-next");
    else if (what === "predict") await page.locator(".l-ask label").nth(1).click();
    else assert.equal((await run(page, what)).exit, 0, what);
  });
  assert.match(await lesson(page).locator(".l-said.done").innerText(), /The lesson is done/);
  assert.match(await page.locator(".l-ask").innerText(), /So it is/);
  // The next one of its track is one click away.
  const next = page.locator("#lesson-next");
  assert.equal(await next.innerText(), "Next lesson");
  await next.click();
  await untilState(page, "ready");
  await atStep(page, 1);
  assert.match(page.url(), /lesson=topic-names/);
  await page.evaluate(() => (location.hash = "lessons"));
  const row = page.locator('[data-lesson="quick-start"]');
  await row.waitFor(wait);
  assert.match(await row.innerText(), /done/);
  assert.deepEqual(errors, []);
  await page.close();
});

test("the first lesson is done by keyboard alone, in Korean", wait, async () => {
  const { page, errors } = await open(browser.context, `${site.url}?lesson=quick-start&lang=ko&cluster=by-keys#stage`);
  await setPace(page, "fastest");
  const to = async (id) => {
    for (let at = 0; at < 400; at++) {
      if (await page.evaluate((want) => document.activeElement?.id === want, id)) return;
      await page.keyboard.press("Tab");
    }
    assert.fail(`${id} is not reached by the Tab key`);
  };
  await quickStart(page, async (what) => {
    if (what === "next") {
      await to("lesson-next");
      return page.keyboard.press("Enter");
    }
    if (what === "predict") {
      for (let at = 0; at < 400; at++) {
        if (await page.evaluate(() => document.activeElement?.type === "radio")) break;
        await page.keyboard.press("Tab");
      }
      return page.keyboard.press("ArrowDown");
    }
    await to("prompt");
    await page.keyboard.type(what);
    await page.keyboard.press("Enter");
  });
  assert.match(await lesson(page).locator(".l-said.done").innerText(), /학습을 마쳤습니다/);
  assert.deepEqual(errors, []);
  await page.close();
});

test("hints come one by one, and the solution runs line by line", wait, async () => {
  const { page } = await open(browser.context, address("keys"));
  await atStep(page, 1);
  await setPace(page, "fastest");
  for (const count of [1, 2, 3]) {
    await page.click("#lesson-hint");
    await page.waitForFunction((want) => document.querySelectorAll(".hints li").length === want, count, wait);
  }
  assert.equal(await page.locator("#lesson-hint").getAttribute("aria-disabled"), "true");
  await page.click("#lesson-solution");
  // Predict first.
  assert.ok(await page.locator("#next-line").isDisabled());
  await page.locator(".l-ask label").first().click();
  for (const done of [1, 2, 3]) {
    await page.click("#next-line");
    await page.waitForFunction((want) => document.querySelectorAll(".l-solution .ran").length === want, done, wait);
    await setPace(page, "fastest");
  }
  await reached(page);
  assert.equal(await page.locator("#next-line").count(), 0);
  await page.close();
});

test("a reload goes on at its step, going back in time goes back in the lesson, and one can start over", wait, async () => {
  const { page } = await open(browser.context, address("more-partitions"));
  await atStep(page, 1);
  await setPace(page, "fastest");
  await run(page, "kafka-topics.sh --alter --topic orders --partitions 6 --bootstrap-server localhost:9092");
  await run(page, "echo kim:x | kafka-console-producer.sh --topic orders --property parse.key=true --property key.separator=: --bootstrap-server localhost:9092");
  await reached(page);
  await page.click("#lesson-next");
  await atStep(page, 2);
  // Time that hurries has always something new to be stored.
  await setPace(page, "paused");
  await stored(page);
  await page.reload();
  await untilState(page, "ready");
  await atStep(page, 2);
  await setPace(page, "fastest");
  await run(page, "kafka-topics.sh --alter --topic orders --partitions 3 --bootstrap-server localhost:9092");
  await reached(page);
  await page.click("#lesson-back");
  await page.locator('aside.lesson[data-reached="false"][data-step="2"]').waitFor(wait);
  await page.click("#lesson-restart");
  await atStep(page, 1);
  await page.locator('aside.lesson[data-reached="false"]').waitFor(wait);
  await page.close();
});

test("a deed after going back has time go on", wait, async () => {
  const { page } = await open(browser.context, address("leader-follower", "&cluster=back"));
  await atStep(page, 1);
  const crash = async () => {
    await page.locator(".l-ask label").nth(1).click();
    await page.locator(".l-act").click();
  };
  await crash();
  await page.locator(".l-act svg").waitFor(wait);
  await page.click("#lesson-back");
  await page.locator('aside.lesson[data-reached="false"][data-step="1"]').waitFor(wait);
  await page.locator('.transport .ctl.primary[aria-label="Run"]').waitFor(wait);
  await crash();
  await page.locator('.transport .ctl.primary[aria-label="Pause"]').waitFor(wait);
  await setPace(page, "fastest");
  await reached(page);
  await page.close();
});

test("a lesson that is not there is said to be, and nobody's cluster is touched", wait, async () => {
  const { page } = await open(browser.context, address("no-such-lesson"));
  await page.getByText("There is no lesson no-such-lesson here").waitFor(wait);
  assert.equal(await page.locator("aside.lesson").count(), 0);
  await page.close();
});

test("progress goes out as a file, is cleared, and comes in again", wait, async () => {
  const { page } = await open(browser.context, `${site.url}?lang=en&cluster=progress#lessons`);
  await page.locator(".track").first().waitFor(wait);
  await page.evaluate(() =>
    localStorage.setItem("blumfeld.progress", JSON.stringify({ blumfeld_progress: 1, lessons: { keys: { steps: 2, whole: true, lines: 9 } } })),
  );
  await page.reload();
  await untilState(page, "ready");
  const keys = page.locator('[data-lesson="keys"]');
  await keys.getByText("9 lines").waitFor(wait);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#progress-export")]);
  const file = join(tmpdir(), `blumfeld-progress-${process.pid}.json`);
  await download.saveAs(file);
  assert.equal(JSON.parse(await readFile(file, "utf8")).lessons.keys.whole, true);
  await page.click("#progress-clear");
  await page.click("#progress-clear-yes");
  await page.locator('[data-lesson="keys"]:not(.whole)').waitFor(wait);
  await page.setInputFiles('.lessons input[type="file"]', file);
  await page.locator('[data-lesson="keys"].whole').waitFor(wait);
  await writeFile(file, '{"blumfeld_progress": 99, "lessons": {}}');
  await page.setInputFiles('.lessons input[type="file"]', file);
  await page.getByText("of version 99").waitFor(wait);
  await page.locator('[data-lesson="keys"].whole').waitFor(wait);
  await page.close();
});

for (const [width, height] of [[1440, 900], [1024, 768], [390, 844]]) {
  test(`a lesson and the list fit ${width} by ${height} in both languages`, wait, async () => {
    for (const lang of ["en", "ko"]) {
      const { page } = await open(browser.context, `${site.url}?lesson=leader-follower&lang=${lang}#stage`);
      await page.setViewportSize({ width, height });
      await atStep(page, 1);
      assert.ok((await overflow(page)) <= 0, `${lang}: the lesson is wider than its window`);
      const box = await lesson(page).boundingBox();
      assert.ok(box.width > 200 && box.height > 150 && box.y + box.height <= height + 1, JSON.stringify(box));
      await page.evaluate(() => (location.hash = "lessons"));
      await page.locator(".track").first().waitFor(wait);
      assert.ok((await overflow(page)) <= 0, `${lang}: the list is wider than its window`);
      await page.close();
    }
  });
}

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

test("the first lesson is done on a phone by touch, and each of its steps begins with its text", wait, async () => {
  const phone = await launch(PHONE);
  const { page, errors } = await open(phone.context, `${site.url}?lang=ko#lessons`);
  await page.locator('[data-lesson="quick-start"] a').tap();
  const prompt = page.locator("#prompt");
  const runs = async () => {
    await page.locator(".l-line button").first().tap();
    await prompt.waitFor(wait);
  };
  const back = () => page.locator(".t-lesson").tap();
  const done = async (step) => {
    await back();
    await reached(page);
    await page.locator("#lesson-next").tap();
    if (step) await atStep(page, step);
  };
  await atStep(page, 1);
  await page.locator(".l-line button").first().tap();
  await done(2);
  await runs();
  for (const line of ["first", "second"]) {
    await prompt.fill(line);
    await prompt.press("Enter");
  }
  await page.locator(".t-lesson", { hasText: "✓" }).waitFor(wait);
  await page.getByText("Ctrl-D", { exact: true }).tap();
  await done(3);
  await page.locator(".l-ask label").nth(1).tap();
  await runs();
  await back();
  await reached(page);
  await page.locator(".l-said.done").waitFor(wait);
  assert.deepEqual(errors, []);
  await phone.close();
});

/** Every lesson begins, in a browser that has never seen it; on a phone, where what covers its first step would show. */
test("every lesson comes to its first step", { timeout: 10 * LIMIT }, async () => {
  const phone = await launch(PHONE);
  const list = JSON.parse(await readFile(join(DIST, "lessons/index.json"), "utf8"));
  assert.ok(list.length >= 24, `${list.length} lessons`);
  for (const { id } of list) {
    const { page, errors } = await open(phone.context, `${site.url}?lesson=${id}&lang=en&cluster=begins-${id}#stage`);
    await atStep(page, 1);
    assert.deepEqual(errors, [], id);
    await page.close();
  }
  await phone.close();
});
