// Helpers of the browser tests: serve a folder, launch Chromium, use the console, watch for errors and long tasks.

import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";

import { chromium } from "playwright-core";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
};

/** The browser's program; `CHROMIUM` names another one. */
export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Whether there is time for every variant of a test: `BLUMFELD_LONG=1`. */
export const LONG = process.env.BLUMFELD_LONG === "1";

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * Serves folders on a free port of the loopback. Later folders are looked at when a file is not in the earlier ones.
 * `prefix` is the sub-path (`/a/b/`), `edit(name, bytes)` may change a file on its way, `headers` go with each.
 * Gives `{ url, requests, offline(bool), close() }`; while offline every request is cut.
 */
export async function serve(folders, { prefix = "/", edit = (_name, bytes) => bytes, headers = {} } = {}) {
  const requests = [];
  let offline = false;
  const server = createServer(async (request, response) => {
    if (offline) return request.socket.destroy();
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    requests.push(path);
    if (!path.startsWith(prefix)) return response.writeHead(404).end();
    const name = normalize(path.slice(prefix.length) || "index.html");
    if (name.startsWith("..")) return response.writeHead(404).end();
    for (const folder of folders) {
      const file = join(folder, name);
      const found = await stat(file).catch(() => null);
      if (!found?.isFile()) continue;
      const bytes = edit(name, await readFile(file));
      response.writeHead(200, {
        "content-type": TYPES[extname(file)] ?? "application/octet-stream",
        "content-length": bytes.length,
        "cache-control": "no-cache",
        ...headers,
      });
      return response.end(bytes);
    }
    response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}${prefix}`,
    requests,
    offline: (is) => {
      offline = is;
    },
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

/** The bytes of `sw.js` with the list of a folder's files in it, as the build stamps it. `overlay` goes before. */
export async function stamp(folder, overlay = {}) {
  const found = await readdir(folder, { withFileTypes: true });
  const names = found.filter((file) => file.isFile() && file.name !== "sw.js").map((file) => file.name).sort();
  const files = {};
  for (const name of names) {
    const bytes = overlay[name] ?? (await readFile(join(folder, name)));
    files[name] = createHash("sha256").update(bytes).digest("hex");
  }
  const version = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16);
  const source = await readFile(join(folder, "sw.js"), "utf8");
  const lines = `const VERSION = "${version}";\nconst FILES = ${JSON.stringify(files, null, 2)};\n`;
  return Buffer.from(source.replace(/(\/\* stamp:begin \*\/\n)[^]*?(\/\* stamp:end \*\/)/, `$1${lines}$2`));
}

/**
 * Launches Chromium with a profile: a folder of yours that stays, or a new one that goes with `close()`.
 * Gives `{ context, profile, pid, close() }`.
 */
export async function launch({ profile, viewport = { width: 1440, height: 900 }, ...options } = {}) {
  const own = profile ?? (await mkdtemp(join(tmpdir(), "blumfeld-profile-")));
  const context = await chromium.launchPersistentContext(own, {
    executablePath: CHROMIUM,
    headless: true,
    args: ARGS,
    viewport,
    ...options,
  });
  return {
    context,
    profile: own,
    close: async () => {
      await context.close();
      if (!profile) await rm(own, { recursive: true, force: true });
    },
  };
}

/** What runs in the page before anything of it: counts long tasks, and keeps what the worker says about commands. */
function watchPage() {
  window.__tasks = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.__tasks.push({ at: entry.startTime, ms: entry.duration });
  }).observe({ type: "longtask", buffered: true });
  window.__console = {};
  window.__sent = [];
  const Native = window.Worker;
  window.Worker = class extends Native {
    constructor(...args) {
      super(...args);
      window.__worker = this;
      this.addEventListener("message", ({ data }) => {
        const said = data?.console;
        if (!said) return;
        const command = (window.__console[said.id] ??= { out: [], err: [], exit: null });
        for (const { stream, text } of said.output ?? []) command[stream].push(text);
        if (said.exit !== undefined && said.exit !== null) command.exit = said.exit;
      });
    }
    postMessage(message, ...rest) {
      if (message instanceof File) window.__sent.push({ file: { name: message.name, size: message.size } });
      else window.__sent.push(Array.isArray(message) ? { logDirs: message.map(([path]) => path) } : message);
      super.postMessage(message, ...rest);
    }
  };
}

/**
 * Opens a page and watches it. Gives `{ page, errors, tasks() }`: `errors` are texts of the browser's console (errors,
 * policy violations, uncaught exceptions), `tasks()` the main thread's tasks over 50 ms so far. A new cluster begins empty and
 * the page on its topics, unless the address says otherwise.
 */
export async function open(context, url, { settle = true } = {}) {
  const page = await context.newPage();
  const errors = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.addInitScript(watchPage);
  await page.goto(plain(url));
  if (settle) await untilState(page, "ready");
  return { page, errors, tasks: () => page.evaluate(() => window.__tasks) };
}

/** The address of a cluster that begins empty, on its topics. */
export function plain(url) {
  const at = new URL(url);
  if (!at.searchParams.has("begin")) at.searchParams.set("begin", "empty");
  at.hash ||= "topics";
  return at.href;
}

/** Waits for `document.documentElement.dataset.state`. */
export function untilState(page, state, timeout = 30_000) {
  return page.waitForFunction((want) => document.documentElement.dataset.state === want, state, { timeout });
}

/** Types a line into the console's prompt and presses Enter. Gives the command's number. */
export async function type(page, line) {
  await page.fill("#prompt", line);
  await page.press("#prompt", "Enter");
  return page.evaluate(() => window.__sent.findLast((command) => command?.console)?.console.id);
}

/**
 * Runs a command line in the console, with lines of standard input if there are any (and its end), and waits until it
 * has ended and its output is drawn. Gives `{ id, exit, out, err }`, the whole output even where the console dropped
 * lines.
 */
export async function run(page, line, { stdin, timeout = 60_000 } = {}) {
  const id = await type(page, line);
  if (stdin !== undefined) {
    await page.waitForSelector(`#prompt[data-running="${id}"]`, { timeout });
    for (const text of stdin) {
      await page.fill("#prompt", text);
      await page.press("#prompt", "Enter");
    }
    await page.press("#prompt", "Control+d");
  }
  await page.waitForSelector(`.con[data-ended="${id}"]`, { timeout, state: "attached" });
  return page.evaluate((number) => {
    const { out, err, exit } = window.__console[number];
    return { id: number, exit, out: out.join(""), err: err.join("") };
  }, id);
}

/** Waits until the browser's storage has everything: in relaxed durability an acknowledgement does not say so. */
export const stored = (page) =>
  page.evaluate(
    () =>
      new Promise((resolve) => {
        window.__worker.addEventListener("message", ({ data }) => data === "flushed" && resolve());
        window.__worker.postMessage("flush");
      }),
  );

/** What the page has asked of the worker, oldest first. */
export const sent = (page) => page.evaluate(() => window.__sent);

/** How far the page is wider than its window; more than 0 is a fault. */
export const overflow = (page) =>
  page.evaluate(() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - window.innerWidth);

/** Kills a browser and all its processes at once. */
export function killBrowser(profile) {
  const own = execFileSync("pgrep", ["-f", "--", `--user-data-dir=${profile}`], { encoding: "utf8" });
  for (const pid of own.trim().split("\n")) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It ended with its parent.
    }
  }
}

/**
 * Begins a producer with `--sync` on many lines, and gives a function that says how many are acknowledged: the producer asks
 * for the next line, with its `>`, once the one before is. The page has the number as `__acknowledged`.
 */
export async function acknowledging(page, line, lines) {
  let prompts = 0;
  await page.exposeFunction("prompted", (count) => {
    prompts = Math.max(prompts, count);
  });
  await page.evaluate(() => {
    let [count, refused] = [0, false];
    window.__acknowledged = 0;
    window.__worker.addEventListener("message", ({ data }) => {
      for (const { stream, text } of data?.console?.output ?? []) {
        // The tool goes on behind a line that failed; what is acknowledged after it is not counted.
        if (stream === "err") refused ||= /ERROR/.test(text);
        else if (!refused) count += text.split(">").length - 1;
      }
      window.__acknowledged = Math.max(0, count - 1);
      window.prompted(count);
    });
  });
  const id = await type(page, line);
  await page.evaluate(
    ({ number, text }) => window.__worker.postMessage({ stdin: { id: number, text } }),
    { number: id, text: lines.map((one) => `${one}\n`).join("") },
  );
  return () => Math.max(0, prompts - 1);
}

/** The newest log of Chromium's LevelDB that holds IndexedDB of the one site of a profile. */
async function levelDbLog(profile) {
  const base = join(profile, "Default/IndexedDB");
  const folder = join(base, (await readdir(base)).find((name) => name.endsWith(".leveldb")));
  const logs = (await readdir(folder)).filter((name) => name.endsWith(".log")).sort();
  return join(folder, logs.at(-1));
}

/**
 * Cuts the log of a killed browser where a kill between two of its writes can leave it: behind the first part of the last
 * record that has several, at the end of a block of 32 KiB. (LevelDB, doc/log_format.md: a part has a header of a checksum,
 * 4 bytes, its length, 2 bytes, and its type, of which 1 is a whole record and 2 a first part.)
 */
export async function tearLog(profile) {
  const path = await levelDbLog(profile);
  const log = await readFile(path);
  let torn;
  for (let at = 0; at + 7 <= log.length; ) {
    const left = 32_768 - (at % 32_768);
    if (left < 7) {
      at += left;
      continue;
    }
    const end = at + 7 + log.readUInt16LE(at + 4);
    if (log[at + 6] === 2) torn = end;
    at = end;
  }
  if (torn === undefined) throw new Error(`no record of ${path} has several parts`);
  await truncate(path, torn);
}

/** Overwrites a part of a record in the middle of a killed browser's log, which its next start finds corrupt. */
export async function corruptLog(profile) {
  const path = await levelDbLog(profile);
  const log = await readFile(path);
  log.fill(0xff, 7, 64);
  await writeFile(path, log);
}

/** What a test runs: these steps, with a browser of its own. */
export const withBrowser = (steps, options) => async () => {
  const own = await launch(options);
  try {
    await steps(own);
  } finally {
    await own.close();
  }
};
