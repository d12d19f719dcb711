// How the page's main thread keeps pace with a cluster under load: frames, long tasks, records, on every screen.
// Prints one JSON object. node pace.mjs DIST_FOLDER [VARIANT] [SECONDS]

import { pathToFileURL } from "node:url";

import { launch, open, run, serve } from "./lib.mjs";

const SERVER = "--bootstrap-server localhost:9092";
const SCREENS = ["topics", "messages", "brokers", "clients", "groups", "console"];
/**
 * Three producers; so many records a second each, and so many members of one group. The last two let the clock run ten times as
 * fast, which no engine keeps: they say how much it can do beside the page.
 */
export const VARIANTS = {
  write: { rate: 33_334, members: 0 },
  read: { rate: 10_000, members: 2 },
  "write-most": { rate: 33_334, members: 0, times: 10, shown: ["topics"] },
  "read-most": { rate: 10_000, members: 2, times: 10, shown: ["topics"] },
};

const at = (list, share) => list[Math.min(list.length - 1, Math.floor(list.length * share))] ?? 0;
const round = (number) => Math.round(number * 10) / 10;

/** What runs in the page: keeps the newest of what the worker says, and notes each frame. */
function watch() {
  const seen = { clock: null, store: null, ends: {}, deltas: 0, frames: [], tasks: [] };
  window.__pace = seen;
  window.__worker.addEventListener("message", ({ data }) => {
    const delta = data?.delta;
    if (!delta) return;
    seen.deltas += 1;
    seen.clock = delta.clock;
    seen.store = delta.store ?? seen.store;
    for (const topic of delta.topics) {
      if (topic.name === "load") for (const one of topic.partitions) seen.ends[one.partition] = Number(one.logEnd);
    }
  });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) seen.tasks.push(entry.duration);
  }).observe({ type: "longtask" });
  let last = 0;
  const frame = (now) => {
    if (last > 0) seen.frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

/** The state of counters; with `anew` frames and tasks begin from here. */
const look = (page, anew = false) =>
  page.evaluate((clear) => {
    const { clock, store, ends, deltas, frames, tasks } = window.__pace;
    if (clear) [window.__pace.frames.length, window.__pace.tasks.length] = [0, 0];
    const records = Object.values(ends).reduce((sum, end) => sum + end, 0);
    return {
      real: performance.now(), now: Number(clock?.now ?? 0), records, deltas, stored: Number(store?.storedBytes ?? 0), reached: clock?.reached,
      frames: clear ? [] : frames, tasks: clear ? [] : tasks, nodes: document.querySelectorAll("*").length,
    };
  }, anew);

/** Measures one variant on every screen for so many seconds each. */
export async function pace(dist, { rate, members, times = 1, shown = SCREENS }, seconds, { profiled } = {}) {
  const browser = await launch();
  const served = await serve([dist]);
  try {
    const { page } = await open(browser.context, `${served.url}?lang=en&cluster=pace&seed=7&brokers=3`);
    const ok = async (line) => {
      const { exit, err } = await run(page, line);
      if (exit !== 0) throw new Error(`${line} ended with ${exit}: ${err}`);
    };
    await ok(`kafka-topics.sh ${SERVER} --create --topic load --partitions 6 --replication-factor 3`);
    await page.evaluate(watch);
    for (let at = 0; at < 3; at++) await ok(`workload start produce --topic load --rate ${rate}`);
    for (let at = 0; at < members; at++) await ok("workload start consume --topic load --group readers");
    await page.waitForFunction(() => Object.values(window.__pace.ends).some((end) => end > 0));
    await page.evaluate((times) => window.__worker.postMessage({ "set-pace": { times } }), times);
    const screens = {};
    // The first seconds of a tab under load, before the browser has compiled what is hot, are a row of their own.
    for (const [name, screen] of [["start", shown[0]], ...shown.map((screen) => [screen, screen])]) {
      await page.click(`.nav a[href="#${screen}"]`);
      // What the change of the screen itself costs is no frame under load.
      await page.waitForTimeout(name === "start" ? 0 : 1_000);
      const before = await look(page, true);
      await profiled?.begin(page, screen);
      await page.waitForTimeout(seconds * 1_000);
      await profiled?.end(page, screen);
      const after = await look(page);
      const real = (after.real - before.real) / 1_000;
      const frames = after.frames.toSorted((one, other) => one - other);
      screens[name] = {
        records_a_second: Math.round((after.records - before.records) / real),
        pace: round((after.now - before.now) / 1e6 / real * 10) / 10,
        deltas_a_second: round((after.deltas - before.deltas) / real),
        stored_bytes_a_second: Math.round((after.stored - before.stored) / real),
        frames: frames.length,
        frame_p50_ms: round(at(frames, 0.5)),
        frame_p95_ms: round(at(frames, 0.95)),
        frame_most_ms: round(frames.at(-1) ?? 0),
        long_tasks: after.tasks.length,
        long_tasks_ms: Math.round(after.tasks.reduce((sum, ms) => sum + ms, 0)),
        nodes: after.nodes,
      };
    }
    return screens;
  } finally {
    await browser.close();
    await served.close();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [dist, variant, seconds = "10"] = process.argv.slice(2);
  const numbers = {};
  for (const [name, load] of Object.entries(VARIANTS)) {
    if (!variant || variant === name) numbers[name] = await pace(dist, load, Number(seconds));
  }
  console.log(JSON.stringify(numbers));
}
