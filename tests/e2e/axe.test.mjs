// What everybody must be able to use and read: axe-core on every screen, in both themes and both languages, and no sentence of the
// other language on any of them. One cluster at work, turned to each look in place.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import axe from "axe-core";

import { launch, overflow, serve } from "./lib.mjs";
import { LANGS, SCREENS, SIZES, THEMES, WHOLE, atWork, drawn, stopBusy, turn } from "./screens.mjs";

const ROOT = join(import.meta.dirname, "..", "..");
/** No test takes so long, in milliseconds. */
const LIMIT = 300_000;
const [DESK, , PHONE] = SIZES;

/** Words of the page that are Kafka's too, elsewhere. */
const KAFKAS = new Set(["none"]);

/**
 * Sentences of the page: those that differ between the languages, `{}` and its likes standing for anything. Of one or two letters
 * beside such places anybody's sentence may be made.
 */
async function catalogue() {
  const source = await readFile(join(ROOT, "crates/app/src/text/catalogue.rs"), "utf8");
  const rows = [...source.matchAll(/^ {4}(\w+): ("(?:[^"\\]|\\.)*"), ("(?:[^"\\]|\\.)*");$/gm)];
  assert.ok(rows.length > 300, `only ${rows.length} sentences were found`);
  return rows.map(([, key, en, ko]) => ({ key, en: JSON.parse(en), ko: JSON.parse(ko) })).filter(({ en, ko }) => en !== ko);
}

/** What is said and shown in the page, each with where: texts, and what is read aloud or shown on hovering. */
function said() {
  // Kafka's words, people's words, and what was written before the language was changed.
  const strange = ".con, code, pre, .mono, .line, [lang]:not(html), script, style, .sprite, option[value]";
  const out = [];
  const add = (element, text) => {
    const plain = text.replace(/\s+/g, " ").trim();
    if (plain && !element.closest(strange)) out.push({ at: `${element.localName}.${element.className?.baseVal ?? element.className}`, text: plain });
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (element.checkVisibility()) add(element, walker.currentNode.data);
  }
  for (const element of document.querySelectorAll("[aria-label], [title], [placeholder], [aria-valuetext]")) {
    if (!element.checkVisibility()) continue;
    for (const name of ["aria-label", "title", "placeholder", "aria-valuetext"]) {
      if (element.hasAttribute(name)) add(element, element.getAttribute(name));
    }
  }
  return out;
}

let [site, browser, page, sentences] = [];
before(async () => {
  [site, browser, sentences] = [await serve([join(ROOT, "dist")]), await launch({ viewport: DESK }), await catalogue()];
  ({ page } = await atWork(browser.context, site.url));
  await stopBusy(page);
  await page.evaluate(axe.source);
}, { timeout: LIMIT });
after(async () => {
  await browser?.close();
  await site?.close();
});

/** What axe finds in the page as it stands, a line for each element. */
async function faults(where) {
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, any }) => `${where}: ${id} (${help}): ${target.join(" ")} ${any.map((one) => one.message).join("; ")}`));
}

/** What stands in the page in the language that it is not in. */
async function strangers(where, lang) {
  const found = await page.evaluate(said);
  if (lang === "en") return found.filter(({ text }) => /\p{sc=Hangul}/u.test(text)).map(({ at, text }) => `${where}: ${at}: ${text}`);
  const literal = (text) => text.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  const english = sentences.filter(({ en }) => !KAFKAS.has(en) && en.replace(/\{.*?\}/g, "").match(/[a-z]/gi)?.length > 2)
    .map(({ key, en, ko }) => ({ key, ko, is: new RegExp(`^${en.split(/\{.*?\}/).map(literal).join(".+")}$`) }));
  return found.flatMap(({ at, text }) => {
    if (/\p{sc=Hangul}/u.test(text)) return [];
    const same = english.find(({ is }) => is.test(text));
    return same ? [`${where}: ${at}: ${text} (${same.key}: ${same.ko})`] : [];
  });
}

/** Looks at screens of a size in every theme and language. */
async function inspect(size, screens) {
  await page.setViewportSize(size);
  const found = [];
  for (const theme of THEMES) {
    for (const lang of LANGS) {
      for (const screen of screens) {
        const where = `${screen} ${size.width} ${theme} ${lang}`;
        await turn(page, { screen, theme, lang });
        found.push(...(await faults(where)));
        if (theme === THEMES[0]) found.push(...(await strangers(where, lang)));
      }
    }
  }
  return found;
}

const none = (found) => assert.equal(found.length, 0, `\n${[...new Set(found)].join("\n")}\n`);

test("the list of screens is the navigation's", { timeout: LIMIT }, async () => {
  const links = await page.locator(".nav a").evaluateAll((all) => all.map((one) => one.hash.slice(1)));
  // These two are reached from the lessons.
  assert.deepEqual(links, SCREENS.filter((screen) => !["build", "zookeeper"].includes(screen)));
});

test("a desk: nothing for axe to say, and one language on each screen", { timeout: LIMIT }, async () => {
  none(await inspect(DESK, SCREENS));
});

test("a phone: the same of the stage and the topics", { timeout: LIMIT }, async () => {
  none(await inspect(PHONE, ["stage", "topics"]));
});

test("twice as large: nothing runs over the page's edge, and every screen can be reached and read", { timeout: LIMIT }, async () => {
  // A desk's window has half as many pixels each way when its page is twice as large.
  const half = { width: DESK.width / 2, height: DESK.height / 2 };
  await page.setViewportSize(half);
  const found = [];
  for (const lang of LANGS) {
    for (const screen of SCREENS) {
      await turn(page, { screen, theme: THEMES[0], lang });
      const where = `${screen} ${lang}`;
      const over = await overflow(page);
      if (over > 0) found.push(`${where}: ${over} pixels too wide`);
      for (const part of ["#run", WHOLE[screen]]) {
        const one = page.locator(part).first();
        await one.scrollIntoViewIfNeeded();
        const box = await one.boundingBox();
        const seen = box && box.height > 0 && box.y < half.height && box.y + box.height > 0 && box.x < half.width && box.x + box.width > 0;
        if (!seen) found.push(`${where}: ${part} is not to be seen`);
      }
    }
  }
  none(found);
});

test("the stage's table, and a message that is inspected", { timeout: LIMIT }, async () => {
  await page.setViewportSize(DESK);
  await turn(page, { screen: "stage", theme: "light", lang: "en" });
  await page.click(".foot .ctl");
  await page.locator(".token-table tbody button").first().click();
  await page.locator(".token-insp .said").first().waitFor();
  await drawn(page);
  none(await inspect(DESK, ["stage"]));
});

test("a group's positions are its own members': none is behind what they committed", { timeout: LIMIT }, async () => {
  await turn(page, { screen: "stage", theme: "light", lang: "en" });
  const cards = await page.locator(".board [data-group]").evaluateAll((all) =>
    all.map((card) => [...card.querySelectorAll(".gt tbody tr")].map((row) =>
      [...row.querySelectorAll("td")].slice(0, 2).map((cell) => Number(cell.textContent.replaceAll(",", ""))))));
  assert.equal(cards.length, 3);
  for (const [position, committed] of cards.flat()) assert.ok(position >= committed, `${position} < ${committed}`);
});
