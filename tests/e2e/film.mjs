// The film that the README opens with, as frames, and the still picture: traffic, a broker that crashes, an election, the broker
// that comes back and catches up. node film.mjs DIST_FOLDER OUTPUT_FOLDER
//
// It is taken as it happens, in real time, and each frame stands as long as it stood: what the clock says is true.

import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { launch, serve } from "./lib.mjs";
import { atWork, setPace, fromBusy } from "./screens.mjs";

const STILL = { width: 1440, height: 900 };
/** As wide as it stands in a README, or nearly. */
const FILM = { width: 1120, height: 800 };
/** Frames come no closer, in milliseconds: closer ones weigh more than they show. */
const APART = 90;
/** No frame stands longer, in milliseconds. */
const LONGEST = 1_000;
const QUALITY = 60;
/** One request can be followed. */
const SLOW = { times: 0.004 };
/** What takes a broker's session to end passes in a few seconds. */
const QUICK = "fastest";
/** A picture takes a moment, in which nothing should have gone far. */
const STILL_PACE = { times: 0.001 };
const CATCHING_UP = { times: 0.8 };

const [dist, out] = process.argv.slice(2);
await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

/** Takes frames one after the other, until it is stopped; gives them with how long each stood. */
async function take(page) {
  const frames = [];
  let over = false;
  const session = await page.context().newCDPSession(page);
  const taking = (async () => {
    while (!over) {
      const at = Date.now();
      const { data } = await session.send("Page.captureScreenshot", { format: "png", optimizeForSpeed: true });
      if (data !== frames.at(-1)?.data) frames.push({ at, data });
      await new Promise((resolve) => setTimeout(resolve, APART - (Date.now() - at)));
    }
  })();
  return async () => {
    over = true;
    await taking;
    const end = Date.now();
    return frames.map(({ at, data }, index) => ({
      data,
      ms: Math.max(1, Math.min(LONGEST, (frames[index + 1]?.at ?? end) - at)),
    }));
  };
}

const site = await serve([dist]);
const browser = await launch({ viewport: STILL });
try {
  const { page, errors } = await atWork(browser.context, site.url, { hint: false });
  const card = page.locator('.board .broker[data-broker="2"]');
  /** Lets so much time of the cluster go by, in microseconds: with the pace it says how long the film looks at it. */
  const look = (us) => page.evaluate((span) => {
    const end = window.__heard.now + span;
    return new Promise((resolve) => window.__worker.addEventListener("message", () => window.__heard.now >= end && resolve()));
  }, us);
  /** From here on one request can be followed. The clock is told of only now and then, so it is waited for. */
  const slowly = async () => {
    await setPace(page, SLOW);
    await page.locator(".sp-val", { hasText: "1/250" }).waitFor();
  };
  const until = (what, wanted) => page.waitForFunction(what, wanted, { timeout: 60_000 });

  await fromBusy(page, STILL_PACE);
  await page.locator(".sp-val", { hasText: "1/1000" }).waitFor();
  await page.screenshot({ path: join(out, "stage.png") });
  await page.setViewportSize(FILM);
  await page.locator(".tabs .t-log").click();
  await page.mouse.move(0, 0);
  await slowly();
  const end = await take(page);

  await look(11_000);
  await card.locator('[data-fault="crash"]').hover();
  await card.locator('[data-fault="crash"]').click();
  await page.mouse.move(0, 0);
  await look(6_000);
  await setPace(page, QUICK);
  await until(() => Object.values(window.__heard.leaders).every((leader) => leader !== 2 && leader > 0));
  await slowly();
  await look(8_000);
  await card.locator('[data-fault="restart"]').click();
  await page.mouse.move(0, 0);
  await setPace(page, CATCHING_UP);
  await until((brokers) => Object.entries(window.__heard.isr).every(([name, isr]) => !name.startsWith("orders") || isr === brokers), 3);
  await slowly();
  await look(8_000);

  const frames = await end();
  const words = ["-loop", "0", "-min_size", "-lossy", "-q", QUALITY, "-m", "4"];
  for (const [index, { data, ms }] of frames.entries()) {
    const name = `${String(index).padStart(4, "0")}.png`;
    await writeFile(join(out, name), Buffer.from(data, "base64"));
    words.push("-d", ms, name);
  }
  await writeFile(join(out, "frames.txt"), words.join(" "));
  const seconds = frames.reduce((sum, { ms }) => sum + ms, 0) / 1_000;
  console.log(`${frames.length} frames, ${seconds.toFixed(1)} s`);
  if (errors.length > 0) throw new Error(`the page complained: ${errors.join("; ")}`);
} finally {
  await browser.close();
  await site.close();
}
