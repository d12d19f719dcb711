// What is drawn equals what is: at random moments of a busy run with faults, the page's tokens, strips, ribbons, counters and
// tables are those of the engine's views. The views are kept beside the page, from the engine's own messages.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { LONG, launch, open, run, serve } from "./lib.mjs";

const PAGE = join(import.meta.dirname, "..", "..", "dist");
const SERVER = "--bootstrap-server localhost:9092";
const MOMENTS = LONG ? 200 : 100;

let site;
before(async () => (site = await serve([PAGE])));
after(() => site?.close());

/** Keeps the engine's views in the page, apart from it. */
function mirror() {
  const kept = (window.__mirror = { view: null, stage: { tokens: new Map() } });
  const by = (list, key) => new Map(list.map((one) => [one[key], one]));
  const Native = window.Worker;
  window.Worker = class extends Native {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", ({ data }) => {
        if (data?.ready) kept.view = { ...data.ready.view, topics: by(data.ready.view.topics, "name"), clients: by(data.ready.view.clients, "id") };
        if (data?.delta && kept.view) {
          const { clock, brokers, groups, topics, gone, clients, clientsGone } = data.delta;
          kept.view.clock = clock;
          if (brokers) kept.view.brokers = brokers;
          if (groups) kept.view.groups = groups;
          for (const name of gone) kept.view.topics.delete(name);
          for (const topic of topics) kept.view.topics.set(topic.name, topic);
          for (const id of clientsGone) kept.view.clients.delete(id);
          for (const client of clients) kept.view.clients.set(client.id, client);
        }
        if (data?.stage) {
          const { fresh, inFlight, ribbons, tokens, gone } = data.stage;
          const key = ({ connection, correlationId, answer }) => `${connection}.${correlationId}.${answer}`;
          if (fresh) kept.stage.tokens.clear();
          for (const one of gone) kept.stage.tokens.delete(key(one));
          for (const token of tokens) kept.stage.tokens.set(key(token.key), token);
          Object.assign(kept.stage, { inFlight, ribbons });
        }
      });
    }
  };
}

/** What the page shows, and what the engine says, in the same form. */
function compare() {
  const number = (text) => (/\d/.test(text) ? Number(text.replaceAll(",", "").replace("−", "-")) : -1);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const { view, stage } = window.__mirror;
  const clock = document.querySelector(".clock");
  const shown = {
    now: Math.round(clock.querySelector(".big").textContent.split(":").reduce((sum, part) => sum * 60 + Number(part), 0) * 1e3) * 1e3 + Number(clock.querySelector(".us").textContent),
    replicas: all(".board [data-broker]").map((card) => [
      Number(card.dataset.broker),
      all(".rep", card).map((row) => {
        const [end, high] = all(".nums > :nth-child(2n)", row).map((one) => number(one.textContent));
        return { partition: Number(row.dataset.partition), leads: row.classList.contains("lead"), epoch: row.querySelector(".ep").textContent, end, high };
      }),
    ]),
    isr: all(".board .rep.lead").map((row) => [Number(row.dataset.partition), all(".isr i", row).map((one) => [Number(one.textContent), !one.classList.contains("out")])]).sort((a, b) => a[0] - b[0]),
    groups: all(".board [data-group]").map((card) => ({
      id: card.dataset.group,
      state: card.querySelector(".phase").dataset.state,
      generation: number(/\d+/.exec(card.querySelector(".phase").textContent)[0]),
      now: all('.phases [aria-current="step"]', card).length,
      members: all(".mems li", card).map((one) => all(".chip", one).map((chip) => chip.title)),
      committed: all(".gt tbody tr", card).map((row) => number(row.children[2].textContent)),
    })),
    inFlight: number(document.querySelector(".foot .sum b").textContent),
    counted: all(".foot .sum")[0].textContent.match(/\d[\d,]*/g).map(number).slice(1),
    drawn: Number(document.querySelector("#tokens").dataset.drawn),
    told: Number(document.querySelector("#tokens").dataset.inFlight),
    table: all(".token-table tbody tr").length,
  };
  const topic = view.topics.get("orders");
  const singly = [...stage.tokens.values()];
  const folded = stage.ribbons.reduce((sum, { requests, answers }) => sum + requests + answers, 0);
  const quorum = singly.filter((token) => token.quorum).length;
  const states = { PreparingRebalance: 1, CompletingRebalance: 1, Stable: 1, Empty: 1 };
  const is = {
    now: view.clock.now,
    replicas: view.brokers.map(({ id }) => [
      id,
      topic.partitions.filter(({ replicas }) => replicas.includes(id)).map(({ partition, leader, leaderEpoch, copies }) => {
        const copy = copies.find((one) => one.broker === id);
        return { partition, leads: leader === id, epoch: `e${leaderEpoch}`, end: copy.online ? copy.logEnd : -1, high: copy.online ? copy.highWatermark : -1 };
      }),
    ]),
    isr: topic.partitions.filter(({ leader }) => leader >= 0).map(({ partition, replicas, isr }) => [partition, replicas.map((id) => [id, isr.includes(id)])]),
    groups: view.groups.map((group) => ({
      id: group.id,
      state: group.state,
      generation: group.generation,
      now: states[group.state] ?? 0,
      members: group.members.map((member) => member.partitions.slice(0, 6).map(([name, partition]) => `${name}-${partition}`)),
      committed: group.offsets.slice(0, 6).map(({ committed }) => committed),
    })),
    inFlight: stage.inFlight,
    counted: [singly.length - quorum, ...(stage.ribbons.length > 0 ? [folded, stage.ribbons.length] : []), ...(quorum > 0 ? [quorum] : [])],
    drawn: shown.drawn,
    told: stage.inFlight,
    table: Math.min(singly.length, 200),
  };
  // What adds up: every message is drawn, in a ribbon, or named as not drawn.
  const sum = singly.length + folded;
  return { shown, is, sum };
}

test(`at ${MOMENTS} random moments of a busy run with faults`, { timeout: 600_000 }, async () => {
  const own = await launch();
  try {
    await own.context.addInitScript(mirror);
    await own.context.addInitScript(`window.__compare = ${compare}`);
    const { page, errors } = await open(own.context, `${site.url}?lang=en&seed=11&cluster=drawn&begin=empty#stage`);
    const ran = async (line) => assert.equal((await run(page, line)).exit, 0, line);
    await ran(`kafka-topics.sh ${SERVER} --create --topic orders --partitions 6 --replication-factor 3`);
    for (const name of ["one", "two"]) await ran(`workload start produce --topic orders --rate 400 --name ${name}`);
    for (const name of ["a", "b", "c"]) await ran(`workload start consume --topic orders --group billing --name ${name}`);
    await page.locator(".foot button").click();
    // Draws that are the same every time.
    let state = 11;
    const draw = (below) => (state = (state * 48_271) % 2_147_483_647) % below;
    const faults = ["fault crash 2", "fault restart 2", "fault latency clients 1 60", "fault isolate 3", "fault heal", "fault pause 1 400", "workload stop c",
      "workload start consume --topic orders --group billing --name c", "fault disk slow 2 40", "fault disk ok 2", "fault latency 1 3 40", "fault heal"];
    let [most, ribbons] = [0, 0];
    for (let moment = 0; moment < MOMENTS; moment++) {
      if (moment % 16 === 8) {
        const line = faults[Math.floor(moment / 16) % faults.length];
        await page.evaluate(([id, text]) => window.__worker.postMessage({ console: { id, line: text } }), [50_000 + moment, line]);
      }
      await page.evaluate((pace) => window.__worker.postMessage({ "set-pace": { times: pace } }), [0.05, 0.5, 2, 10][draw(4)]);
      await page.evaluate((ms) => new Promise((done) => setTimeout(done, ms)), 20 + draw(120));
      await page.evaluate(() => window.__worker.postMessage({ "set-pace": "paused" }));
      // Both have it once the clock stands still and nothing is on its way to the page any more.
      await page.waitForFunction(() => {
        const { clock } = window.__mirror.view;
        const still = clock.pace === "paused" && window.__last === clock.now;
        window.__last = clock.now;
        return still;
      }, null, { polling: 60 });
      // The page draws ten times a second at most, and its counts a little later.
      let differs;
      for (let look = 0; look < 60; look++) {
        differs = await page.evaluate(() => {
          const { shown, is, sum } = window.__compare();
          return JSON.stringify(shown) === JSON.stringify(is) && sum === is.inFlight ? null : { shown, is, sum };
        });
        if (!differs) break;
        await page.evaluate(() => new Promise((done) => setTimeout(done, 50)));
      }
      if (differs) {
        for (const key of Object.keys(differs.is)) assert.deepEqual(differs.shown[key], differs.is[key], `moment ${moment}: ${key}`);
        assert.equal(differs.sum, differs.is.inFlight, `moment ${moment}: the sum`);
      }
      const stage = await page.evaluate(() => [window.__mirror.stage.inFlight, window.__mirror.stage.ribbons.length]);
      [most, ribbons] = [Math.max(most, stage[0]), Math.max(ribbons, stage[1])];
    }
    assert.ok(most > 20, `it was busy: ${most} in flight at most`);
    assert.deepEqual(errors, []);
  } finally {
    await own.close();
  }
});
