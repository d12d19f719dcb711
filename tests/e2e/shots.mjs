// Pictures of every screen of the page, in every size, theme and language, and the same on contact sheets.
// node shots.mjs DIST_FOLDER OUTPUT_FOLDER [SCREEN]

import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { launch, serve } from "./lib.mjs";
import { LANGS, SCREENS, SIZES, THEMES, atWork, stopBusy, turn } from "./screens.mjs";

/** A sheet is no wider, in pixels. */
const SHEET = 2000;

const [dist, out, only] = process.argv.slice(2);
const shown = only ? SCREENS.filter((screen) => screen === only) : SCREENS;
if (shown.length === 0) throw new Error(`there is no screen '${only}', only ${SCREENS.join(", ")}`);

const sizeName = ({ width, height }) => `${width}x${height}`;

/** Lays pictures on one sheet, each under its caption. */
async function sheet(context, name, pictures, { width }) {
  // As many columns as there are languages on a desk: a screen and its translation stand side by side.
  const columns = width > 720 ? LANGS.length : Math.min(pictures.length, LANGS.length * 4);
  const wide = Math.min(width, Math.floor(SHEET / columns) - 16);
  const figures = pictures.map(({ file, caption }) => `<figure><figcaption>${caption}</figcaption><img src="${file}"></figure>`);
  const style = `body { margin: 8px; font: 13px sans-serif; background: #777; color: #fff; display: grid; gap: 12px;
    grid-template-columns: repeat(${columns}, ${wide}px); } figure { margin: 0; } img { display: block; width: 100%; }`;
  const html = `<!doctype html><meta charset="utf-8"><style>${style}</style>${figures.join("")}`;
  const path = join(out, `${name}.html`);
  await writeFile(path, html);
  const page = await context.newPage();
  await page.setViewportSize({ width: columns * (wide + 12) + 4, height: 600 });
  await page.goto(pathToFileURL(path).href);
  await page.screenshot({ path: join(out, `${name}.png`), fullPage: true });
  await page.close();
  await rm(path);
}

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
const site = await serve([dist]);
const browser = await launch({ viewport: SIZES[0] });
try {
  const { page, errors } = await atWork(browser.context, site.url);
  await stopBusy(page);
  const sheets = [];
  for (const size of SIZES) {
    await page.setViewportSize(size);
    for (const theme of THEMES) {
      const pictures = [];
      for (const screen of shown) {
        for (const lang of LANGS) {
          await turn(page, { screen, theme, lang });
          const caption = `${screen} ${sizeName(size)} ${theme} ${lang}`;
          const file = `${caption.replaceAll(" ", "-")}.png`;
          await page.screenshot({ path: join(out, file) });
          pictures.push({ file, caption });
        }
      }
      sheets.push({ name: `sheet-${sizeName(size)}-${theme}`, pictures, size });
    }
  }
  for (const { name, pictures, size } of sheets) {
    await sheet(browser.context, name, pictures, size);
    console.log(join(out, `${name}.png`));
  }
  if (errors.length > 0) throw new Error(`the page complained: ${errors.join("; ")}`);
} finally {
  await browser.close();
  await site.close();
}
