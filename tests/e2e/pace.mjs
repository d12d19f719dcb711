// How the page's main thread keeps pace with a cluster under load: frames, long tasks, records, on every screen.
// Prints one JSON object. node pace.mjs DIST_FOLDER [VARIANT] [SECONDS]

import { pathToFileURL } from "node:url";

import { launch, open, run, serve } from "./lib.mjs";
import { SCREENS as ALL } from "./screens.mjs";

const SERVER = "--bootstrap-server localhost:9092";
/** The stage has loads of its own, below. */
const SCREENS = ALL.filter((screen) => screen !== "stage");
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

/** A topic of thirty partitions, a group of ten, three producers with so many records a second together: what the stage has to bear. */
const onStage = (rate) => ({ rate: Math.round(rate / 3), members: 10, partitions: 30, shown: ["stage"], weighed: true });
export const ON_STAGE = { "1k": onStage(1_000), "10k": onStage(10_000), "100k": onStage(100_000) };

/** What the main thread does, in milliseconds of each second, by Chromium's names. */
const BUSY = {
  main_ms_a_second: "TaskDuration",
  script_ms_a_second: "ScriptDuration",
  style_ms_a_second: "RecalcStyleDuration",
  layout_ms_a_second: "LayoutDuration",
};

const at = (list, share) => list[Math.min(list.length - 1, Math.floor(list.length * share))] ?? 0;
const round = (number) => Math.round(number * 10) / 10;

/** What runs in the page: keeps the newest of what the worker says, and notes each frame. */
function watch() {
  const seen = { clock: null, store: null, ends: {}, deltas: 0, frames: [], tasks: [], settled: 0, bytes: null };
  window.__pace = seen;
  window.__worker.addEventListener("message", ({ data }) => {
    if (seen.bytes) {
      // What was told, as text: the browser does not say how large its own copy is.
      const length = JSON.stringify(data, (_, value) => {
        if (typeof value === "bigint") return Number(value);
        return value instanceof Uint8Array ? "-".repeat(value.length) : value;
      }).length;
      const kind = typeof data === "string" ? data : Object.keys(data)[0];
      seen.bytes[kind] = (seen.bytes[kind] ?? 0) + length;
    }
    const delta = data?.delta;
    if (!delta) return;
    const readers = delta.groups?.find((group) => group.id === "readers");
    if (readers) seen.settled = readers.state === "Stable" ? readers.members.length : 0;
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

/** How much the engine tells the page in so many seconds. It is not weighed while frames are counted: weighing takes time. */
async function weigh(page, seconds) {
  await page.evaluate(() => (window.__pace.bytes = {}));
  await page.waitForTimeout(seconds * 1_000);
  const bytes = await page.evaluate(() => {
    const { bytes } = window.__pace;
    window.__pace.bytes = null;
    return bytes;
  });
  const told = Object.entries(bytes).map(([kind, sum]) => [`told_${kind}_bytes_a_second`, Math.round(sum / seconds)]);
  return { told_bytes_a_second: told.reduce((sum, [, one]) => sum + one, 0), ...Object.fromEntries(told) };
}

/** What the page and the engine hold, in bytes: JavaScript's heap behind a collection, and each module's memory. */
async function held(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  // A module that was begun gives what it has when it is asked to begin again.
  const memory = async (name) => (await (await import(name)).default()).memory.buffer.byteLength;
  const [worker] = page.workers();
  return {
    heap_bytes: usedSize,
    page_wasm_bytes: await page.evaluate(memory, new URL("./blumfeld-app.js", page.url()).href),
    engine_wasm_bytes: await worker.evaluate(memory, new URL("./worker.js", page.url()).href),
  };
}

/** Measures one variant on every screen for so many seconds each, and what is weighed again after minutes. */
export async function pace(
  dist,
  { rate, members, times = 1, partitions = 6, shown = SCREENS, weighed = false },
  seconds,
  { profiled, minutes = 0 } = {},
) {
  const browser = await launch();
  const served = await serve([dist]);
  try {
    const { page } = await open(browser.context, `${served.url}?lang=en&cluster=pace&seed=7&brokers=3`);
    const ok = async (line) => {
      const { exit, err } = await run(page, line);
      if (exit !== 0) throw new Error(`${line} ended with ${exit}: ${err}`);
    };
    // Where memory is weighed, the log is one that is kept short, as a busy topic's is: what is left is what the page needs itself.
    const kept = weighed ? "--config retention.bytes=8388608 --config segment.bytes=4194304" : "";
    await ok(`kafka-topics.sh ${SERVER} --create --topic load --partitions ${partitions} --replication-factor 3 ${kept}`);
    await page.evaluate(watch);
    for (let at = 0; at < 3; at++) await ok(`workload start produce --topic load --rate ${rate}`);
    for (let at = 0; at < members; at++) await ok("workload start consume --topic load --group readers");
    await page.waitForFunction(() => Object.values(window.__pace.ends).some((end) => end > 0));
    await page.waitForFunction((members) => window.__pace.settled === members, members, { timeout: 120_000 });
    await page.evaluate((times) => window.__worker.postMessage({ "set-pace": { times } }), times);
    const session = await page.context().newCDPSession(page);
    await session.send("Performance.enable");
    /** What the main thread has done so far, in milliseconds. */
    const busy = async () => {
      const { metrics } = await session.send("Performance.getMetrics");
      const found = Object.entries(BUSY).map(([name, metric]) => [name, metrics.find((one) => one.name === metric).value * 1_000]);
      return Object.fromEntries(found);
    };
    const screens = {};
    // The first seconds of a tab under load, before the browser has compiled what is hot, are a row of their own.
    const rows = [["start", shown[0]], ...shown.map((screen) => [screen, screen])];
    if (minutes > 0) rows.push(["late", shown.at(-1)]);
    for (const [name, screen] of rows) {
      if (name === "late") await page.waitForTimeout(minutes * 60_000);
      await page.click(`.nav a[href="#${screen}"]`);
      // What the change of the screen itself costs is no frame under load.
      await page.waitForTimeout(name === "start" ? 0 : 1_000);
      const before = await look(page, true);
      const begun = await busy();
      await profiled?.begin(page, screen);
      await page.waitForTimeout(seconds * 1_000);
      await profiled?.end(page, screen);
      const after = await look(page);
      const ended = await busy();
      const real = (after.real - before.real) / 1_000;
      const frames = after.frames.toSorted((one, other) => one - other);
      screens[name] = {
        records_a_second: Math.round((after.records - before.records) / real),
        pace: Math.round((after.now - before.now) / 1e6 / real * 100) / 100,
        deltas_a_second: round((after.deltas - before.deltas) / real),
        stored_bytes_a_second: Math.round((after.stored - before.stored) / real),
        frames: frames.length,
        frame_p50_ms: round(at(frames, 0.5)),
        frame_p95_ms: round(at(frames, 0.95)),
        frame_most_ms: round(frames.at(-1) ?? 0),
        long_tasks: after.tasks.length,
        long_tasks_ms: Math.round(after.tasks.reduce((sum, ms) => sum + ms, 0)),
        nodes: after.nodes,
        ...Object.fromEntries(Object.keys(BUSY).map((name) => [name, Math.round((ended[name] - begun[name]) / real)])),
        ...(weighed && name !== "start" ? { ...(await weigh(page, seconds)), ...(await held(page)) } : {}),
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
  for (const [name, load] of Object.entries({ ...VARIANTS, ...ON_STAGE })) {
    if (!variant || variant === name) numbers[name] = await pace(dist, load, Number(seconds));
  }
  console.log(JSON.stringify(numbers));
}
