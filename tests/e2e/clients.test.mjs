// Producers and consumers on the page with its real engine: added and stopped by click, watched as they work.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, open, overflow, run, sent, serve } from "./lib.mjs";

const DIST = process.env.BLUMFELD_DIST ?? join(import.meta.dirname, "../../dist");
const SERVER = "--bootstrap-server localhost:9092";

/** No wait takes so long, in milliseconds. */
const LIMIT = 120_000;

let site;
before(async () => {
  site = await serve([DIST]);
});
after(() => site.close());

/** A test with a browser of its own, on the screen of clients of a new cluster of one broker. */
function clients(name, query, body) {
  test(name, { timeout: 600_000 }, async () => {
    const { context, close } = await launch();
    try {
      const opened = await open(context, `${site.url}?lang=en&brokers=1&${query}`);
      opened.page.setDefaultTimeout(LIMIT);
      await opened.page.click('.nav a[href="#clients"]');
      await body(opened.page, opened);
      assert.deepEqual(opened.errors, []);
    } finally {
      await close();
    }
  });
}

const create = async (page, topic, partitions) => {
  const line = `kafka-topics.sh ${SERVER} --create --topic ${topic} --partitions ${partitions}`;
  assert.equal((await run(page, line)).exit, 0);
};

const card = (name) => `[data-client="${name}"]`;

/** Adds a client by its button and the form, changing what is given by option. */
async function add(page, kind, changes = {}) {
  await page.click(`#add-${kind}`);
  for (const [option, value] of Object.entries(changes)) {
    const field = page.locator(`#client-${option}`);
    if ((await field.evaluate((control) => control.tagName)) === "SELECT") await field.selectOption(value);
    else await field.fill(value);
  }
  const line = await page.locator("#client-form .will code").innerText();
  await page.click("#start-client");
  await page.waitForSelector("#client-form", { state: "detached" });
  return line.trim();
}

/** Waits until a number of a card is over another one, and gives it. */
async function over(page, name, what, than) {
  const read = ([selector, least]) => {
    const text = document.querySelector(selector)?.textContent.replaceAll(",", "");
    return text && Number(text) > least ? Number(text) : false;
  };
  const found = await page.waitForFunction(read, [`${card(name)} [data-num="${what}"]`, than], { timeout: LIMIT });
  return found.jsonValue();
}

/** Waits until a consumer reads these partitions. */
const owns = (page, name, partitions) =>
  page.waitForFunction(
    ([selector, want]) => [...document.querySelectorAll(selector)].map((row) => row.dataset.read).join() === want,
    [`${card(name)} [data-read]`, partitions.join()],
    { timeout: LIMIT },
  );

const lines = async (page) => (await sent(page)).flatMap((command) => command?.console?.line ?? []);

clients(
  "two clicks start a producer, and two consumers share its topic until one is stopped",
  "cluster=share&seed=11",
  async (page) => {
    assert.ok(await page.isDisabled("#add-producer"), "there is nothing to write to");
    assert.match(await page.locator(".empty").innerText(), /Create one first/);
    await create(page, "orders", 2);
    assert.equal(await add(page, "producer"), "workload start produce --topic orders --rate 10");
    await over(page, "producer-1", "acknowledged", 5);
    assert.match(await page.locator(card("producer-1")).innerText(), /acks=all · idempotent · PID 0 epoch 0/);
    // What the button did stands in the console as it could be typed.
    await page.waitForFunction(() =>
      /\$ workload start produce --topic orders --rate 10\nproducer-1 runs/.test(
        document.querySelector(".con").textContent,
      ),
    );

    const consumer = { "processing-ms": "20" };
    const line = "workload start consume --topic orders --group billing --processing-ms 20 --from-beginning";
    assert.equal(await add(page, "consumer", consumer), line);
    await owns(page, "consumer-1", ["orders-0", "orders-1"]);
    await add(page, "consumer", { "processing-ms": "1000", name: "slow" });
    await owns(page, "consumer-1", ["orders-0"]);
    await owns(page, "slow", ["orders-1"]);
    const step = (name) => page.waitForSelector(`${card(name)} [data-step="Stable"]`);
    await Promise.all([step("consumer-1"), step("slow")]);

    // One is too slow: what it is given waits, and its lag grows.
    await page.waitForFunction(
      (selector) => /works on orders-1@\d+/.test(document.querySelector(selector)?.textContent),
      `${card("slow")} .works`,
    );
    const lag = await over(page, "slow", "lag", 0);
    await over(page, "slow", "lag", lag);
    const done = await over(page, "consumer-1", "processed", 5);
    await over(page, "consumer-1", "processed", done);

    // The groups' screen says the same.
    await page.click('.nav a[href="#groups"]');
    const owners = page.locator('[data-group="billing"] .lags td:last-child');
    assert.deepEqual(
      (await owners.allInnerTexts()).map((text) => text.split(" ")[0]),
      ["consumer-1", "slow"],
    );
    // Its chart moves with time, and goes up where the lag grew.
    const chart = '[data-group="billing"] .chart';
    assert.match(await page.getAttribute(chart, "aria-label"), /^Lag over the last 60 s: [\d,]+ now, [\d,]+ at most$/);
    const drawn = await page.getAttribute(`${chart} .line`, "d");
    await page.waitForFunction(
      ([line, drawn]) => {
        const heights = [...document.querySelector(line).getAttribute("d").matchAll(/V([\d.]+)/g)].map(([, height]) => Number(height));
        const up = heights.some((height, at) => at > 0 && height < heights[at - 1]);
        return up && document.querySelector(line).getAttribute("d") !== drawn;
      },
      [`${chart} .line`, drawn],
    );
    await page.click('.nav a[href="#clients"]');

    await page.click(`${card("slow")} [data-act=stop]`);
    await page.waitForSelector(card("slow"), { state: "detached" });
    await owns(page, "consumer-1", ["orders-0", "orders-1"]);
    await page.waitForFunction(() => /slow: .*in all processed \d+/.test(document.querySelector(".con").textContent));

    await page.click("#stop-all");
    await page.waitForSelector(".empty h3");
    assert.equal(await page.locator("[data-client]").count(), 0);
    assert.deepEqual((await lines(page)).slice(-2), ["workload stop slow", "workload stop all"]);
    assert.equal((await run(page, "workload list")).out, "Nothing runs in the background.\n");
  },
);

clients(
  "open batches, linger and requests in flight are drawn, and change as they do",
  "cluster=waits&seed=12",
  async (page) => {
    await create(page, "orders", 2);
    assert.equal((await run(page, "fault latency clients 1 60")).exit, 0);
    const line = await add(page, "producer", {
      rate: "50",
      keys: "9",
      distribution: "zipf",
      "linger-ms": "400",
      acks: "1",
    });
    assert.equal(
      line,
      "workload start produce --topic orders --rate 50 --keys 9 --distribution zipf --acks 1 --linger-ms 400",
    );
    const producer = card("producer-1");
    // Somewhere a batch is open and a request is in flight: seen at the same moment, and later no more.
    const moment = (filled, flying) =>
      page.waitForFunction(
        ([selector, wantsFilled, wantsFlying]) => {
          const found = document.querySelector(selector);
          const widths = [...(found?.querySelectorAll(".part-fill") ?? [])].map((bar) =>
            parseFloat(bar.getAttribute("width")),
          );
          const dots = found?.querySelectorAll(".dots .on").length;
          return widths.length > 0 && widths.some((width) => width > 0) === wantsFilled && dots > 0 === wantsFlying;
        },
        [producer, filled, flying],
        { polling: 20, timeout: LIMIT },
      );
    await moment(true, true);
    await moment(true, false);
    await page.waitForFunction(
      (selector) => Number(document.querySelector(selector)?.textContent) > 20,
      `${producer} [data-num=rate]`,
    );
    assert.doesNotMatch(await page.locator(producer).innerText(), /idempotent/, "with acks=1 it is not");
    assert.match(
      await page.locator(`${producer} [data-flight="1"]`).getAttribute("title"),
      /^Broker 1: \d of 5 requests in flight, batches \d+$/,
    );
  },
);

clients(
  "what cannot be started or stopped is said, and what ended by itself says why",
  "cluster=fails&seed=13",
  async (page) => {
    await create(page, "orders", 1);
    await page.click("#add-producer");
    for (const [option, value, rule] of [
      ["rate", "0", /records a second: a number from 1 to 1,000,000/],
      ["keys", "", /keys.*a number from 0/],
    ]) {
      const before = await page.inputValue(`#client-${option}`);
      await page.fill(`#client-${option}`, value);
      assert.match(await page.locator("#client-rule").innerText(), rule);
      assert.ok(await page.isDisabled("#start-client"));
      await page.fill(`#client-${option}`, before);
    }
    assert.ok(await page.isDisabled("#client-distribution"), "without keys there is nothing to distribute");
    await page.press("#client-rate", "Escape");
    await page.waitForSelector("#client-form", { state: "detached" });
    assert.equal(await page.evaluate(() => document.activeElement.id), "add-producer");

    await add(page, "producer", { name: "one" });
    await page.waitForSelector(card("one"));
    // A name that is taken is known before, and by the console.
    await page.click("#add-producer");
    await page.fill("#client-name", "one");
    assert.match(await page.locator("#client-rule").innerText(), /A client of this name runs already/);
    assert.ok(await page.isDisabled("#start-client"));
    await page.press("#client-name", "Escape");
    const again = await run(page, "workload start produce --topic orders --rate 1 --name one");
    assert.deepEqual([again.exit === 0, /one runs already; stop it first/.test(again.err)], [false, true]);

    // A button needs no free console; and a client in the console is shown, but ended there.
    await page.fill("#prompt", `kafka-console-consumer.sh ${SERVER} --topic orders`);
    await page.press("#prompt", "Enter");
    await page.locator(card("console-consumer"), { hasText: "in the console" }).waitFor();
    assert.equal(await page.locator(`${card("console-consumer")} [data-act=stop]`).count(), 0);
    await page.click(`${card("one")} [data-act=stop]`);
    await page.waitForSelector(card("one"), { state: "detached" });
    await page.press("#prompt", "Control+c");
    await page.waitForSelector(card("console-consumer"), { state: "detached" });

    assert.equal(
      (await run(page, "workload start consume --topic orders --group g --from-beginning --fail-at 3")).exit,
      0,
    );
    await page.waitForSelector(`${card("consumer-1")} [data-state=ended]`);
    await page.click(`${card("consumer-1")} summary`);
    assert.match(
      await page.locator(`${card("consumer-1")} pre`).innerText(),
      /cannot process orders-0@2, and closes its consumer/,
    );
    await page.click(`${card("consumer-1")} [data-act=stop]`);
    await page.waitForSelector(card("consumer-1"), { state: "detached" });
  },
);

clients("the keyboard is enough, on a phone too, in Korean", "cluster=keys&seed=14&theme=dark", async (page) => {
  await create(page, "orders", 3);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.click(".seg2 >> text=한국어");
  await page.focus("#add-consumer");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#client-form");
  // All is filled in, and the form begins at its button.
  assert.equal(await page.evaluate(() => document.activeElement.id), "start-client");
  await page.keyboard.press("Enter");
  await owns(page, "consumer-1", ["orders-0", "orders-1", "orders-2"]);
  assert.equal(await page.evaluate(() => document.activeElement.id), "add-consumer");
  assert.ok((await overflow(page)) <= 0);
  await page.waitForFunction(() => /consumer-1 실행 중/.test(document.querySelector(".con").textContent));
  await page.focus(`${card("consumer-1")} [data-act=stop]`);
  assert.equal(await page.getAttribute(`${card("consumer-1")} [data-act=stop]`, "aria-label"), "consumer-1 멈추기");
  await page.keyboard.press("Enter");
  await page.waitForSelector(card("consumer-1"), { state: "detached" });
});
