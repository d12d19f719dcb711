// The page's screens in all their looks: which there are, how one comes to each, and a cluster at work to look at.

import { open, run } from "./lib.mjs";

/** The screens, by their word in the address. A new one is one line here. */
export const SCREENS = [
  "stage",
  "topics",
  "messages",
  "brokers",
  "clients",
  "groups",
  "transactions",
  "requests",
  "configs",
  "compare",
  "lessons",
  "build",
  "zookeeper",
  "console",
];
export const THEMES = ["light", "dark"];
export const LANGS = ["en", "ko"];
/** A desk, a tablet, a phone. */
export const SIZES = [
  { width: 1440, height: 900 },
  { width: 1024, height: 768 },
  { width: 390, height: 844 },
];

/** What a screen has once it is drawn in full, beside its frame. */
export const WHOLE = {
  stage: ".board .broker .rep .strip",
  topics: ".topic .row",
  messages: ".hexd .hr",
  brokers: ".brk-card",
  clients: ".cli",
  groups: ".plot .line",
  transactions: ".txn",
  requests: ".requests tbody tr",
  configs: ".configs-table tbody tr",
  compare: ".cmp",
  lessons: ".lesson-row",
  build: ".b-step",
  zookeeper: ".era-brokers",
  console: ".con .p",
};

const SERVER = "--bootstrap-server localhost:9092";
/** What runs beside the first minute's producer and group. */
const MORE = [
  "workload start produce --topic orders --rate 1500 --linger-ms 4 --acks 1 --name pos-gateway",
  "workload start consume --topic orders --group analytics --name analytics-1",
  `kafka-topics.sh ${SERVER} --create --topic shipments --partitions 2 --replication-factor 3`,
  "workload start transform --from orders --to shipments --transactional-id shipping --group shipping --name shipping",
  `kafka-topics.sh ${SERVER} --describe --topic orders`,
];
/** So long a cluster has run before it is looked at, in microseconds: the charts are full. */
const WARM_US = 40e6;
/** So many messages are on their way when the clock is stopped. */
const ON_THEIR_WAY = 5;

/** What runs in the page: keeps what the engine tells of its clock and of the brokers. */
function listen() {
  const heard = { now: 0, isr: {}, leaders: {}, moment: 0, tokens: new Map() };
  window.__heard = heard;
  window.__worker.addEventListener("message", ({ data }) => {
    const { delta, stage } = data ?? {};
    if (stage) {
      const name = ({ connection, correlationId, answer }) => `${connection}.${correlationId}.${answer}`;
      if (stage.fresh) heard.tokens.clear();
      heard.moment = Number(stage.now);
      for (const token of stage.tokens) heard.tokens.set(name(token.key), token);
      for (const key of stage.gone) heard.tokens.delete(name(key));
    }
    if (!delta) return;
    heard.now = Number(delta.clock.now);
    for (const topic of delta.topics) {
      for (const one of topic.partitions) {
        const name = `${topic.name}-${one.partition}`;
        [heard.isr[name], heard.leaders[name]] = [one.isr.length, one.leader];
      }
    }
  });
}

/** Asks the engine for a pace: `paused`, `fastest` or `{ times }`. */
export const setPace = (page, pace) =>
  page.evaluate((wanted) => window.__worker.postMessage({ "set-pace": wanted }), pace);

/** Waits until the virtual clock stands at so many microseconds or later. */
export const untilClock = (page, now, timeout = 120_000) =>
  page.waitForFunction((wanted) => window.__heard.now >= wanted, now, { timeout });

/**
 * Opens the page as a newcomer finds it, with its producer and its group, and lets it run until there is something to see on
 * every screen. Gives what `open` gives; the clock goes slowly.
 */
export async function atWork(context, url, { seed = 7, hint = true } = {}) {
  const address = `${url}?begin=orders&cluster=shots&seed=${seed}&theme=light&lang=en#stage`;
  if (!hint) await context.addInitScript(() => localStorage.setItem("blumfeld.hint", "closed"));
  const opened = await open(context, address);
  const { page } = opened;
  await page.evaluate(listen);
  // The first minute is over when the group is stable and the clock goes slowly.
  await page.locator(".sp-val", { hasText: "1/100" }).waitFor({ timeout: 60_000 });
  await setPace(page, "fastest");
  for (const line of MORE) {
    const { exit, err } = await run(page, line);
    if (exit !== 0) throw new Error(`${line} ended with ${exit}: ${err}`);
  }
  await page.locator('[data-group="analytics"] .phase[data-state="Stable"]').waitFor();
  await untilClock(page, WARM_US);
  await page.locator('.board .broker[data-broker="1"] .rep').first().click();
  await setPace(page, { times: 0.01 });
  await page.locator(".sp-val", { hasText: "1/100" }).waitFor();
  return opened;
}

/** Waits for a moment with many messages on their way, and from it on goes at another pace. */
export async function fromBusy(page, pace) {
  await page.evaluate(([least, pace]) => new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`never were ${least} messages on their way at once`)), 120_000);
    const look = () => {
      const travels = [...window.__heard.tokens.values()].filter((token) => token.state.travels >= window.__heard.moment);
      if (travels.length < least) return;
      // At once, in the page: by the time that a word of it came here they would have arrived.
      window.__worker.removeEventListener("message", look);
      window.__worker.postMessage({ "set-pace": pace });
      resolve();
    };
    window.__worker.addEventListener("message", look);
  }), [ON_THEIR_WAY, pace]);
}

/** Stops the clock at such a moment. */
export async function stopBusy(page) {
  await fromBusy(page, "paused");
  // What a hand lies on looks otherwise.
  await page.mouse.move(0, 0);
  await page.locator('.transport #run[aria-label="Run"]').waitFor();
}

/** Turns the page to a screen, a theme and a language, in place, and waits until it is drawn. */
export async function turn(page, { screen, theme, lang }) {
  await page.evaluate((wanted) => {
    const root = document.documentElement;
    if (root.lang !== wanted.lang) document.querySelector(`.seg2 [lang="${wanted.lang}"]`).click();
    location.hash = wanted.screen;
  }, { screen, lang });
  for (let turn = 0; turn < 3; turn++) {
    const now = await page.evaluate(() => document.documentElement.dataset.theme ?? "system");
    if (now === theme) break;
    await page.evaluate(() => document.querySelector("#theme").click());
    await page.waitForFunction((last) => (document.documentElement.dataset.theme ?? "system") !== last, now);
  }
  await page.waitForFunction(
    (wanted) => {
      const root = document.documentElement;
      return root.lang === wanted.lang && root.dataset.theme === wanted.theme &&
        document.querySelector(`.shell[data-screen="${wanted.screen}"]`);
    },
    { screen, theme, lang },
  );
  await page.locator(WHOLE[screen]).first().waitFor({ state: "attached" });
  await drawn(page);
}

/** Waits until what was changed is painted: fonts are there, and two frames went by. */
export const drawn = (page) =>
  page.evaluate(async () => {
    await document.fonts.ready;
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    await frame();
    await frame();
    // What stands in a closed menu does not move until it is opened.
    await Promise.all(document.getAnimations()
      .filter((one) => one.effect?.getComputedTiming().iterations === 1 && one.effect.target?.checkVisibility())
      .map((one) => one.finished.catch(() => {})));
  });
