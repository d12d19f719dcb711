// The stage in a real browser, with the real engine: the first minute as a newcomer has it, and what is drawn between the cards.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { LONG, open, run, serve, withBrowser } from "./lib.mjs";

const PAGE = join(import.meta.dirname, "..", "..", "dist");
/** No test takes so long, in milliseconds. */
const LIMIT = 180_000;

let site;
before(async () => (site = await serve([PAGE])));
after(() => site?.close());

/** A test with a browser of its own. */
const browser = (name, steps, options) => test(name, { timeout: LIMIT }, withBrowser(steps, options));

/** A visitor who has never been here: the page's own address and nothing else. */
const visit = (own, lang) => open(own.context, `${site.url}?lang=${lang}&begin=orders#stage`);
/** What the newcomer begins with: the group is stable, and the clock goes slowly. */
async function begun(page) {
  await page.locator(".sp-val", { hasText: "1/100" }).waitFor({ timeout: 60_000 });
  assert.equal(await page.locator('[data-group="billing"] .phase').getAttribute("data-state"), "Stable");
  assert.equal(await page.locator("[data-group=billing] .mems li").count(), 2);
}
const done = (page, step) => page.locator(`.hint li:nth-child(${step}).done`).waitFor();
/** Presses Tab until the focus is there. */
async function tabTo(page, selector) {
  for (let turn = 0; turn < 150; turn++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab never comes to ${selector}`);
}

const CRASH = '[data-broker="2"] [data-fault="crash"]';
for (const lang of LONG ? ["en", "ko"] : ["en"]) {
  browser(`first minute, by mouse, ${lang}: a record is sent, a broker crashes, time slows down`, async (own) => {
    const { page, errors } = await visit(own, lang);
    await begun(page);
    await page.click("#send");
    await done(page, 1);
    await page.click(CRASH);
    await done(page, 2);
    await page.locator('.board .broker.crashed[data-broker="2"]').waitFor();
    await page.locator(".sl input").fill("-30");
    await done(page, 3);
    // What was pressed can be read in the console.
    const said = await page.locator(".con").innerText();
    assert.match(said, /\$ echo 'hello' \| kafka-console-producer\.sh .*--topic orders\n/);
    assert.match(said, /\$ fault crash 2\n/);
    // What the cluster began with is said in the page's language too.
    assert.match(said, lang === "ko" ? /billing-2 실행 중/ : /billing-2 runs in the background/);
    // Done on this visit, and gone on the next. A returning visitor finds what was there, and no second beginning.
    await page.locator("#storage", { hasText: lang === "ko" ? "저장됨" : "stored" }).waitFor();
    await page.reload();
    await page.locator('.board [data-broker="3"]').waitFor();
    assert.equal(await page.locator(".hint").count(), 0);
    await page.locator("#stage-topic", { hasText: "orders" }).waitFor();
    assert.deepEqual(errors, []);
  });
}

for (const lang of LONG ? ["en", "ko"] : ["ko"]) {
  browser(`first minute, by keyboard, ${lang}`, async (own) => {
    const { page, errors } = await visit(own, lang);
    await begun(page);
    await tabTo(page, "#send");
    await page.keyboard.press("Enter");
    await done(page, 1);
    await tabTo(page, CRASH);
    await page.keyboard.press("Enter");
    await done(page, 2);
    await page.locator(".skip").focus();
    await tabTo(page, ".sl input");
    await page.keyboard.press("Home");
    await done(page, 3);
    assert.deepEqual(errors, []);
  });
}

browser("begin empty takes away what the first visit began with", async (own) => {
  const { page, errors } = await visit(own, "en");
  await begun(page);
  await page.click("#begin-empty");
  await page.locator("#stage-topic").waitFor({ state: "detached" });
  await page.locator(".board .prod").waitFor({ state: "detached" });
  assert.deepEqual(errors, []);
});

browser("what is drawn adds up to what the engine counts, and each message can be read and dropped", async (own) => {
  const { page, errors } = await visit(own, "en");
  await begun(page);
  // So that there is always one on its way.
  for (const name of ["one", "two"]) {
    const began = await run(page, `workload start produce --topic orders --rate 4000 --linger-ms 0 --name ${name}`);
    assert.equal(began.exit, 0, began.err);
  }
  await page.locator('.board [data-client="two"] .pips').first().waitFor();
  await page.click("#run");
  await page.locator(".sp-val", { hasText: "paused" }).waitFor();
  await page.click(".foot .ctl");
  const drop = page.locator('[data-deed="drop"]');
  let picked = false;
  for (let moment = 0; moment < 600 && !picked; moment++) {
    await page.click("#step");
    // A step is told and drawn within a frame or two: then all three say the same.
    const sums = await page.waitForFunction(() => {
      const told = document.querySelector("#tokens").dataset;
      const foot = document.querySelector(".foot .sum").innerText.match(/\d[\d,]*/g).map(Number);
      const quorum = Number(/(\d+) of the metadata quorum/.exec(document.querySelector(".foot .sum").innerText)?.[1] ?? 0);
      const rows = document.querySelectorAll(".token-table tbody tr").length;
      const said = { told: Number(told.inFlight), drawn: Number(told.drawn), foot: foot[0], quorum, rows };
      return said.told === said.foot && said.drawn + said.quorum === said.told && said.rows === said.told ? said : null;
    });
    assert.ok((await sums.jsonValue()).told > 0);
    const travels = page.locator(".token-table tbody tr", { hasText: "arrives in" });
    const produce = travels.filter({ has: page.locator("th button", { hasText: /^Produce$/ }) });
    if (!(await produce.count())) continue;
    await produce.first().locator("button").click();
    await page.locator(".token-insp h2", { hasText: /^Produce$/ }).waitFor();
    picked = (await drop.count()) > 0;
  }
  assert.ok(picked, "no Produce was on its way in six hundred events");
  assert.match(await page.locator(".fields-said").innerText(), /"topicData"/);
  await drop.click();
  await page.click("#run");
  // What it did is in the event log as any other fault is.
  await page.click(".filters >> text=Faults");
  await page.locator(".log", { hasText: /on Produce .*connection \d+ nth 1 drop/ }).waitFor();
  assert.equal((await run(page, "fault list")).exit, 0);
  assert.deepEqual(errors, []);
});

browser("a message is doubled where it is pressed, and its sender has sent one", async (own) => {
  const { page, errors } = await visit(own, "en");
  await begun(page);
  const began = await run(page, "workload start produce --topic orders --rate 4000 --linger-ms 0 --name one");
  assert.equal(began.exit, 0, began.err);
  await page.locator('.board [data-client="one"] .pips').first().waitFor();
  await page.click("#run");
  await page.locator(".sp-val", { hasText: "paused" }).waitFor();
  const menu = page.locator(".token-menu");
  const double = menu.locator('[data-deed="duplicate"]');
  let doubled = false;
  for (let moment = 0; moment < 600 && !doubled; moment++) {
    await page.click("#step");
    // A message reaches further around itself than a lane does: where all around can be pressed there is one, or lanes meet.
    const hit = await page.evaluate(() => {
      const canvas = document.querySelector("#tokens");
      const { top, height } = canvas.getBoundingClientRect();
      // Between the producers and the brokers.
      const left = document.querySelector(".board .producers").getBoundingClientRect().right;
      const width = document.querySelector(".board .stack").getBoundingClientRect().left - left;
      const press = (x, y) =>
        !canvas.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true, button: 2, clientX: left + x, clientY: top + y }));
      const step = 6;
      const rows = Array.from({ length: Math.floor(height / step) }, (_, y) =>
        Array.from({ length: Math.floor(width / step) }, (_, x) => press(x * step, y * step)));
      const around = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => [dx, dy]));
      for (let y = 1; y < rows.length - 1; y++) {
        for (let x = 1; x < rows[y].length - 1; x++) {
          if (!around.every(([dx, dy]) => rows[y + dy][x + dx])) continue;
          press(1, 1);
          return [left + x * step, top + y * step];
        }
      }
      press(1, 1);
      return null;
    });
    await menu.waitFor({ state: "detached" });
    if (!hit) continue;
    await page.mouse.click(...hit, { button: "right" });
    // What the step has changed may be drawn only now, and nothing be there any more: the next step is looked at then.
    const opened = await menu.locator("button").first().waitFor({ timeout: 3_000 }).then(() => true, () => false);
    if (!opened) continue;
    // What is on its way can be doubled; of what has come, and of an answer, the link can be broken.
    doubled = (await double.count()) > 0;
    if (doubled) {
      assert.match(await double.getAttribute("title"), /^fault on \w+ connection \d+ nth \d+ duplicate$/);
      await double.click();
    } else {
      assert.match(await menu.locator('[data-deed="break"]').getAttribute("title"), /^fault break \d+ (client-)?\d+$/);
      await page.keyboard.press("Escape");
    }
    await menu.waitFor({ state: "detached" });
  }
  assert.ok(doubled, "no request was met on its way in six hundred events");
  await page.click("#run");
  await page.click(".filters >> text=Faults");
  await page.locator(".log", { hasText: /on \w+ .*connection \d+ nth \d+ duplicate/ }).waitFor();
  // It fires: the broker is given it twice.
  await page.locator(".log", { hasText: /trigger .* duplicate/ }).waitFor();
  assert.deepEqual(errors, []);
});

browser("producers that are alike share a card with their sum, and one that is pinned has its own", async (own) => {
  const { page, errors } = await visit(own, "en");
  await begun(page);
  const names = ["a", "b", "c", "d", "e", "f"];
  for (const name of names) {
    const began = await run(page, `workload start produce --topic orders --rate 20 --name ${name}`);
    assert.equal(began.exit, 0, began.err);
  }
  const folded = page.locator(".board .prod.folded");
  // Each of them is like web-checkout once it has written to the same topic.
  await folded.locator(".times", { hasText: `×${names.length + 1}` }).waitFor();
  const inside = await folded.getAttribute("data-client");
  await folded.locator(".turn button").last().click();
  await page.waitForFunction((was) => document.querySelector(".prod.folded").dataset.client !== was, inside);
  // Who shares the card is named, so that what goes to them is drawn to it.
  const shares = (await folded.getAttribute("data-shares")).split(" ").length + 1;
  assert.equal(shares, names.length + 1);
  await page.click("#pin-producers summary");
  await page.fill("#pin-producers input", "d");
  await page.click('#pin-producers li button:has-text("d")');
  await page.keyboard.press("Escape");
  await page.locator('.board .prod[data-client="d"]:not(.folded)').waitFor();
  await folded.locator(".times", { hasText: `×${shares - 1}` }).waitFor();
  // What is drawn is still what is in flight.
  await page.click("#run");
  await page.locator(".sp-val", { hasText: "paused" }).waitFor();
  await page.waitForFunction(() => {
    const told = document.querySelector("#tokens").dataset;
    const said = document.querySelector(".foot .sum").innerText;
    const quorum = Number(/(\d+) of the metadata quorum/.exec(said)?.[1] ?? 0);
    const ribbons = Number(/([\d,]+) in \d+ ribbons/.exec(said)?.[1] ?? 0);
    return Number(told.inFlight) > 0 && Number(told.drawn) + quorum + ribbons === Number(told.inFlight);
  });
  assert.deepEqual(errors, []);
});
