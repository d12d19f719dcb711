// What `cargo xtask bench` measures in a browser. Prints one JSON object.
// node bench.mjs BENCH_FOLDER DIST_FOLDER [PART]

import { launch, open, run, serve } from "./lib.mjs";
import { VARIANTS, pace } from "./pace.mjs";

const [bench, dist, part = ""] = process.argv.slice(2);
const RUNS = 3;
/** Each screen is looked at for so long under load. */
const SECONDS = 10;
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];

const numbers = {};
const browser = await launch();
try {
  const served = await serve([bench]);
  const page = await browser.context.newPage();
  page.on("pageerror", (error) => console.error(String(error)));
  const at = new URL(served.url);
  at.hash = part;
  await page.goto(at.href);
  await page.waitForFunction(() => window.bench !== undefined, null, { timeout: 900_000 });
  numbers.wasm = JSON.parse(await page.evaluate(() => window.bench));
  await page.close();
  await served.close();
} finally {
  await browser.close();
}

if (part !== "") {
  console.log(JSON.stringify(numbers));
  process.exit(0);
}

// A new profile each time: nothing is cached, nothing is stored.
const times = [];
for (let at = 0; at < RUNS; at++) {
  const fresh = await launch();
  const served = await serve([dist]);
  try {
    const { page } = await open(fresh.context, served.url);
    const produced = await run(page, "kafka-console-producer.sh --bootstrap-server localhost:9092 --topic first", {
      stdin: ["hello"],
    });
    if (produced.exit !== 0) throw new Error(`the producer ended with ${produced.exit}: ${produced.err}`);
    // performance.now() counts from the beginning of the navigation.
    times.push(await page.evaluate(() => performance.now()));
  } finally {
    await fresh.close();
    await served.close();
  }
}
numbers.page_load_to_first_ack_ms = Math.round(median(times));

numbers.pace = {};
for (const [name, load] of Object.entries(VARIANTS)) numbers.pace[name] = await pace(dist, load, SECONDS);
console.log(JSON.stringify(numbers));
