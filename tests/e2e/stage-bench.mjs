// What `cargo xtask bench` measures of the stage: how soon there is a cluster, and how the stage bears load.
// Prints one JSON object. node stage-bench.mjs DIST_FOLDER [MINUTES]

import { launch, plain, serve } from "./lib.mjs";
import { ON_STAGE, pace } from "./pace.mjs";

const [dist, minutes = "1"] = process.argv.slice(2);
const RUNS = 3;
/** Frames are counted for so long. */
const SECONDS = 10;
const median = (list) => Math.round(list.toSorted((a, b) => a - b)[list.length >> 1]);

/**
 * What runs in the page before anything of it: notes, in milliseconds since the navigation began, when all brokers run and when the
 * first record is acknowledged, which it sends itself as soon as there is a cluster.
 */
function watchBeginning() {
  const began = {};
  window.__began = began;
  const Native = window.Worker;
  window.Worker = class extends Native {
    constructor(...args) {
      super(...args);
      const id = 1_000_000;
      this.addEventListener("message", ({ data }) => {
        const brokers = data?.ready?.view.brokers ?? data?.delta?.brokers;
        if (brokers?.length && brokers.every((broker) => broker.state === "running")) began.running ??= performance.now();
        if (data?.ready) {
          const line = "echo hello | kafka-console-producer.sh --bootstrap-server localhost:9092 --topic first";
          this.postMessage({ console: { id, line } });
        }
        if (data?.console?.id === id && typeof data.console.exit === "number") {
          [began.acknowledged, began.exit] = [performance.now(), data.console.exit];
        }
      });
    }
  };
}

/** One visit; the cluster is a new one. */
async function visit(context, url, cluster) {
  const page = await context.newPage();
  await page.addInitScript(watchBeginning);
  await page.goto(plain(`${url}?cluster=${cluster}&brokers=3`));
  await page.waitForFunction(() => window.__began.running && window.__began.acknowledged, null, { timeout: 120_000 });
  const { running, acknowledged, exit, kept } = await page.evaluate(async () => {
    const kept = navigator.serviceWorker.controller !== null;
    // The next visit finds everything kept.
    await navigator.serviceWorker.ready;
    return { ...window.__began, kept };
  });
  if (exit !== 0) throw new Error(`the first record's command ended with ${exit}`);
  await page.close();
  return { running, acknowledged, kept };
}

/** Visits with nothing cached, and by those who were there before. */
async function beginnings() {
  const [cold, kept] = [[], []];
  for (let at = 0; at < RUNS; at++) {
    const fresh = await launch();
    const site = await serve([dist]);
    try {
      cold.push(await visit(fresh.context, site.url, "first"));
      // The browser keeps compiled code once it has seen it come from the cache.
      await visit(fresh.context, site.url, "second");
      const again = await visit(fresh.context, site.url, "third");
      if (!again.kept) throw new Error("the service worker did not answer");
      kept.push(again);
    } finally {
      await fresh.close();
      await site.close();
    }
  }
  const of = (name, visits) => ({
    [`${name}_to_running_ms`]: median(visits.map((one) => one.running)),
    [`${name}_to_first_ack_ms`]: median(visits.map((one) => one.acknowledged)),
  });
  return { ...of("cold", cold), ...of("cached", kept) };
}

const numbers = { begin: await beginnings(), stage: {} };
for (const [name, load] of Object.entries(ON_STAGE)) {
  numbers.stage[name] = await pace(dist, load, SECONDS, { minutes: Number(minutes) });
}
console.log(JSON.stringify(numbers));
