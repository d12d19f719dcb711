// First navigations with fresh profiles, one after the other: each has to become ready. Long, and no part of the tests.
// Prints a line for each that was slow or failed, with what it waited for, and one JSON object.
// node fresh.mjs DIST_FOLDER [PROFILES]

import { launch, serve, plain } from "./lib.mjs";

const [dist, count = "200"] = process.argv.slice(2);
/** A first visit takes at most so long, in milliseconds. */
const LIMIT = 30_000;
/** One that took longer than so many times the median is told. */
const SLOW = 4;

/** What runs in the page before anything of it: notes when the worker began and what it said, by name. */
function note() {
  const seen = { worker: null, said: [], errors: [], frames: 0 };
  window.__fresh = seen;
  const frame = () => {
    seen.frames += 1;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  const at = () => Math.round(performance.now());
  addEventListener("error", (event) => seen.errors.push(`${at()} ${event.message}`));
  addEventListener("unhandledrejection", (event) => seen.errors.push(`${at()} ${event.reason}`));
  const Native = window.Worker;
  window.Worker = class extends Native {
    constructor(...args) {
      super(...args);
      seen.worker = at();
      this.addEventListener("error", (event) => seen.errors.push(`${at()} worker: ${event.message}`));
      this.addEventListener("messageerror", () => seen.errors.push(`${at()} worker: a message cannot be read`));
      this.addEventListener("message", ({ data }) => {
        const name = typeof data === "string" ? data : Object.keys(data)[0];
        if (seen.said.at(-1)?.name !== name && seen.said.length < 20) seen.said.push({ name, at: at() });
      });
    }
    postMessage(message, ...rest) {
      const name = typeof message === "string" ? message : Object.keys(message)[0];
      if (seen.said.length < 20) seen.said.push({ name: `> ${name}`, at: at() });
      super.postMessage(message, ...rest);
    }
  };
}

/** How far a page has come. */
const standing = (page) =>
  page.evaluate(async () => {
    const workers = (await navigator.serviceWorker?.getRegistrations()) ?? [];
    const state = (one) => ["installing", "waiting", "active"].filter((name) => one[name]).map((name) => `${name}: ${one[name].state}`);
    const locks = await navigator.locks?.query();
    return {
      ...window.__fresh,
      state: document.documentElement.dataset.state,
      visible: document.visibilityState,
      controlled: Boolean(navigator.serviceWorker?.controller),
      service: workers.flatMap(state),
      locks: { held: locks?.held.map((lock) => lock.name), pending: locks?.pending.map((lock) => lock.name) },
      loaded: performance.getEntriesByType("resource").map((one) => `${one.name.split("/").at(-1)} ${Math.round(one.startTime)}–${Math.round(one.responseEnd)}`),
    };
  });

const served = await serve([dist]);
const times = [];
const failed = [];
try {
  for (let at = 0; at < Number(count); at++) {
    const begun = performance.now();
    const browser = await launch();
    const said = [];
    try {
      const page = await browser.context.newPage();
      page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
      page.on("pageerror", (error) => said.push(String(error)));
      page.on("requestfailed", (request) => said.push(`${request.url()}: ${request.failure()?.errorText}`));
      await page.addInitScript(note);
      const requests = served.requests.length;
      await page.goto(plain(served.url));
      // Looked at by the clock and not with each frame: a browser that draws nothing must not look like a page that waits.
      const is = () => document.documentElement.dataset.state === "ready";
      const ready = await page.waitForFunction(is, null, { timeout: LIMIT, polling: 50 }).then(() => true, () => false);
      const took = await page.evaluate(() => Math.round(performance.now()));
      times.push(took);
      const median = times.toSorted((one, other) => one - other)[times.length >> 1];
      if (!ready) failed.push(at);
      if (!ready || took > median * SLOW) {
        const asked = served.requests.slice(requests);
        console.error(JSON.stringify({ profile: at, ready, took, launched: Math.round(performance.now() - begun), said, asked, ...(await standing(page)) }));
      }
    } finally {
      await browser.close();
    }
  }
} finally {
  await served.close();
}
times.sort((one, other) => one - other);
console.log(JSON.stringify({ profiles: times.length, failed, median_ms: times[times.length >> 1], p95_ms: times[Math.floor(times.length * 0.95)], most_ms: times.at(-1) }));
process.exitCode = failed.length === 0 ? 0 : 1;
