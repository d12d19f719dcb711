import { chromium } from "playwright-core";
const b = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const ctx = await b.newContext({ viewport: { width: 1440, height: 900 } });
await ctx.addInitScript(() => localStorage.setItem("blumfeld.hint", "closed"));
const page = await ctx.newPage();
page.on("console", (m) => m.type() === "error" && console.log("console:", m.text()));
page.on("pageerror", (e) => console.log("error:", e.message));
await page.goto("http://localhost:8124/?brokers=" + (process.env.BROKERS ?? 3) + "&cluster=zz" + Date.now() + (process.env.BEGIN ?? "") + "&lang=en#transactions", { waitUntil: "commit" });
const run = async (line) => {
  await page.locator("#prompt").fill(line); await page.locator("#prompt").press("Enter");
  await page.waitForFunction(() => !document.querySelector("#prompt")?.disabled, null, { timeout: 60000 }); await page.waitForTimeout(400);
};
await page.locator("#prompt").waitFor({ timeout: 60000 });
await page.waitForTimeout(3000);
await page.evaluate(() => window.__w = 1);
const lines = process.env.LINES ? process.env.LINES.split("\n") : [];
for (const line of lines) { if (/^wait /.test(line)) await page.waitForTimeout(+line.slice(5)); else if (line === "fast") { await page.locator("#fastest, button:has-text(\"As fast\")").first().click(); } else if (line) await run(line); }
for (const spec of (process.env.SHOTS ?? "transactions").split(",")) {
  const [screen, size = "1440x900", theme = "light", lang = "en", click] = spec.split("/");
  const [width, height] = size.split("x").map(Number);
  await page.setViewportSize({ width, height });
  await page.evaluate(([s, theme, lang]) => { location.hash = s; document.querySelector(`.seg2 [lang="${lang}"]`)?.click(); document.documentElement.dataset.theme = theme; }, [screen, theme, lang]);
  await page.waitForTimeout(900);
  if (click) { await page.locator(click).first().click(); await page.waitForTimeout(900); }
  await page.screenshot({ path: `/tmp/s/${screen}-${size}-${theme}-${lang}${click ? "-c" : ""}.png` });
}
await b.close();
