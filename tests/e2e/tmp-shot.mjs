import { join } from "node:path";
import { launch, open, run, serve } from "./lib.mjs";
const site = await serve([join(import.meta.dirname, "..", "..", "dist")]);
const browser = await launch();
const { page } = await open(browser.context, `${site.url}?lang=en&begin=orders#stage`);
await page.locator(".sp-val", { hasText: "1/100" }).waitFor({ timeout: 60_000 });
for (const name of ["a", "b", "c", "d", "e", "f"]) await run(page, `workload start produce --topic orders --rate 20 --name ${name}`);
await page.locator(".board .prod.folded").waitFor();
await page.click("#run");
await page.screenshot({ path: "/tmp/s1.png" });
await page.click("#pin-producers summary");
await page.screenshot({ path: "/tmp/s2.png" });
await page.keyboard.press("Escape");
for (let i = 0; i < 60; i++) {
  await page.click("#step");
  const hit = await page.evaluate(() => {
    const canvas = document.querySelector("#tokens");
    const { left, top, width, height } = canvas.getBoundingClientRect();
    for (let y = 6; y < height; y += 12) for (let x = 6; x < width; x += 12)
      if (!canvas.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true, button: 2, clientX: left + x, clientY: top + y }))) return true;
    return false;
  });
  if (hit && (await page.locator('.token-menu button').first().waitFor().then(() => true)) && (await page.locator('.token-menu [data-deed="duplicate"]').count())) break;
}
await page.screenshot({ path: "/tmp/s3.png" });
await page.evaluate(() => document.activeElement.blur());
await browser.close(); await site.close();
process.exit(0);
