// The browser is killed while the store is being given another branch: what a reload finds is one of the two, whole.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { killBrowser, launch, LONG, open, run, serve, type } from "./lib.mjs";
import { setPace } from "./screens.mjs";

const DIST = process.env.BLUMFELD_DIST ?? join(import.meta.dirname, "../../dist");
const AT = "--bootstrap-server localhost:9092";
/** Kills of a run of the tests; `BLUMFELD_LONG=1` kills 100 times. */
const KILLS = LONG ? 100 : 3;
/** Records of each branch: enough that its files are more than one commit has in its first chunk. */
const RECORDS = 20;
/** Turns of the page, at most, between a switch and the kill. */
const TURNS = 12;

let site;
before(async () => {
  site = await serve([DIST]);
});
after(() => site.close());

async function done(page, line, more) {
  const ended = await run(page, line, more);
  assert.equal(ended.exit, 0, `${line}: ${ended.err}`);
  return ended.out;
}

/** Everything that stands in the topic, in order. */
async function all(page) {
  const count = Number((await done(page, `kafka-get-offsets.sh ${AT} --topic t`)).trim().split(":").at(-1));
  if (count === 0) return [];
  const read = `kafka-console-consumer.sh ${AT} --topic t --partition 0 --offset earliest --max-messages ${count}`;
  return (await done(page, read)).trim().split("\n");
}

/** Has lines acknowledged, which in strict durability says that the browser stores them. */
const write = (page, name) => {
  const lines = Array.from({ length: RECORDS }, (_, number) => `${name}-${number}`);
  return done(page, `kafka-console-producer.sh ${AT} --topic t --sync`, { stdin: lines }).then(() => lines);
};

test("strict: whoever is killed while a branch is switched finds one of the two, whole", { timeout: LONG ? 3_600_000 : 600_000 }, async () => {
  const profile = await mkdtemp(join(tmpdir(), "blumfeld-switch-"));
  const url = `${site.url}?lang=en&brokers=1&cluster=switch&durability=strict&seed=5&begin=empty#topics`;
  let [base, outcomes, found] = [[], null, [0, 0]];
  try {
    for (let kill = 0; kill <= KILLS; kill += 1) {
      const { context, close } = await launch({ profile });
      const { page } = await open(context, url);
      await setPace(page, "fastest");
      if (kill === 0) {
        await done(page, `kafka-topics.sh ${AT} --create --topic t`);
      } else {
        const have = await all(page);
        const which = outcomes.findIndex((lines) => lines.length === have.length && lines.every((line, at) => line === have[at]));
        assert.notEqual(which, -1, `kill ${kill}: ${have.length} records, ${have.slice(base.length)}, are neither ${outcomes.map((one) => one.slice(base.length, base.length + 2))}`);
        found[which] += 1;
        base = have;
        if (kill % 10 === 0) console.log(`${kill} kills: the one ${found[0]} times, the other ${found[1]}`);
      }
      if (kill === KILLS) {
        await close();
        break;
      }
      // Branches of earlier lives are there too: each has a name of its own.
      const living = /^\* (\S+)/m.exec(await done(page, "timeline"))[1];
      const other = `other-${kill}`;
      const fork = Number(await page.locator(".seek .handle").inputValue());
      const one = await write(page, `main-${kill}`);
      await done(page, `timeline branch ${other} --from ${fork / 1e6}`);
      await setPace(page, "fastest");
      const two = await write(page, other);
      outcomes = [[...base, ...one], [...base, ...two]];
      // There and back, so that either may be the one that is stored last.
      if (kill % 2 === 1) await done(page, `timeline switch ${living}`);
      await type(page, `timeline switch ${kill % 2 === 1 ? other : living}`);
      const turns = Math.floor(Math.random() * TURNS);
      await page.evaluate(async (count) => {
        for (let turn = 0; turn < count; turn += 1) await new Promise((next) => setTimeout(next));
      }, turns);
      killBrowser(profile);
      await close().catch(() => {});
    }
  } finally {
    await rm(profile, { recursive: true, force: true });
  }
  console.log(`${KILLS} kills: ${found[0]} found the first branch, ${found[1]} the other`);
});
