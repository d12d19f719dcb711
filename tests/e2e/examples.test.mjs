// The projects of examples/, each as a copy of it is: its own files, and the packages that it names beside
// them.
import test from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch, serve } from "./lib.mjs";

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));
const PACKAGES = fileURLToPath(new URL("./node_modules/", import.meta.url));
const PACKAGE = process.env.NPM_PACKAGE;

/** Links packages into a folder, as npm would install them. */
async function link(folder, packages) {
  for (const one of packages) {
    const at = join(folder, "node_modules", one);
    await mkdir(dirname(at), { recursive: true });
    await symlink(one === "blumfeld" ? PACKAGE : join(PACKAGES, one), at);
  }
}

/** A copy of an example with what its package.json names, and nothing else; gone when the test ends. */
async function installed(t, name) {
  const folder = await mkdtemp(join(tmpdir(), `blumfeld-${name}-`));
  t.after(() => rm(folder, { recursive: true }));
  const mine = (path) => !path.includes("node_modules");
  await cp(join(EXAMPLES, name), folder, { recursive: true, filter: mine });
  const { dependencies, devDependencies } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  await link(folder, Object.keys({ ...dependencies, ...devDependencies }));
  return folder;
}

/** Runs the tests of a folder, of which so many have to pass and none to fail. */
async function passes(cwd, count) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  // Kept apart: the reporter of this run would take its lines for those of its own tests.
  const run = spawn(process.execPath, ["--test", "--test-reporter=tap"], { cwd, env });
  let said = "";
  for (const stream of [run.stdout, run.stderr]) stream.on("data", (bytes) => (said += bytes));
  const [code] = await once(run, "close");
  assert.equal(code, 0, said);
  assert.match(said, new RegExp(`^# pass ${count}$`, "m"), said);
  assert.match(said, /^# fail 0$/m, said);
}

const RUNS = {
  "node-test": async (t) => passes(await installed(t, "node-test"), 2),

  browser: async (t) => {
    const server = await serve([await installed(t, "browser")]);
    t.after(() => server.close());
    const browser = await launch();
    t.after(() => browser.close());
    const page = await browser.context.newPage();
    const errors = [];
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(server.url);
    const shown = async () => {
      await page.waitForSelector("button[name=send]:enabled");
      return [await page.textContent("[role=status]"), await page.locator("li").allTextContents()];
    };
    const send = async (value) => {
      await page.fill("input", value);
      await page.click("button[name=send]");
      return shown();
    };
    const [leads, none] = await shown();
    assert.match(leads, /^Broker [123] leads\.$/);
    assert.deepEqual(none, []);
    assert.deepEqual(await send("하나"), [leads, ["하나"]]);
    await page.click("button[name=crash]");
    const [next, stands] = await shown();
    assert.match(next, /^Broker [123] leads\.$/);
    assert.notEqual(next, leads);
    assert.deepEqual(stands, ["하나"]);
    assert.deepEqual(await send("둘"), [next, ["하나", "둘"]]);
    assert.deepEqual(errors, []);
  },
};

for (const [name, run] of Object.entries(RUNS)) test(`the example ${name} does what it says`, run);

test("the first example of the package's README passes as it stands", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "blumfeld-readme-"));
  t.after(() => rm(folder, { recursive: true }));
  await link(folder, ["blumfeld", "kafkajs"]);
  const [, example] = /^```js\n(.*?)^```$/ms.exec(await readFile(join(PACKAGE, "README.md"), "utf8"));
  await writeFile(join(folder, "readme.test.mjs"), example);
  await passes(folder, 1);
});

test("every example of JavaScript is run here and says what it is", async () => {
  const found = await Promise.all(
    (await readdir(EXAMPLES)).map(async (name) => {
      const files = await readdir(join(EXAMPLES, name)).catch(() => []);
      return files.includes("package.json") ? [name] : [];
    }),
  );
  assert.deepEqual(found.flat().sort(), Object.keys(RUNS).sort());
  for (const name of Object.keys(RUNS)) {
    assert.match(await readFile(join(EXAMPLES, name, "README.md"), "utf8"), /^# .+\n\n.+/);
  }
});
