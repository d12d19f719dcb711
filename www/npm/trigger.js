// Triggers: what is to happen when a request comes to a broker. A trigger is a line of the console's `fault on …`,
// put together by calls.
import { callable, flag, holds, named, text, told, whole } from "./check.js";

// What the words of a trigger can be, as the engine has them.
const MOST_TIMES = 1_000_000_000;
const LONGEST_MS = 31_536_000_000;
const MOST_OBSERVED = 100_000;
const INT16 = 2 ** 15 - 1;
const INT32 = 2 ** 31 - 1;

/** A text as one word of a fault's line, and that word as one of the console's. */
export const word = (value) => {
  const escaped = String(value).replace(/[%\s\p{Cc}]/gu, (c) =>
    [...new TextEncoder().encode(c)].map((byte) => `%${byte.toString(16).padStart(2, "0").toUpperCase()}`).join(""),
  );
  return quoted(escaped === "" ? "%" : escaped);
};

/** A word of the console's line, whatever is in it. */
export const quoted = (value) => (/^[\w.:,=%-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`);

const number = (most) => (value, what) => whole(value, what, 0, most);
// The word of each field, and what it has to be.
const WHICH = {
  api: [null, text],
  name: [null, text],
  broker: ["broker", number(INT32)],
  clientId: ["client-id", text],
  connection: ["connection", number(Number.MAX_SAFE_INTEGER)],
  version: ["version", number(INT16)],
  topic: ["topic", text],
  partition: ["partition", number(INT32)],
};

/** What {@link Cluster.on} gives; see index.d.ts. */
export class On {
  #put;
  #line;
  #when = "";
  #said;
  #isSo;

  /** `put(trigger, line)` puts a trigger in force, without its name. */
  constructor(put, which = {}) {
    const words = Object.entries(named(which, "on", Object.keys(WHICH))).filter(([, value]) => value !== undefined);
    for (const [key, value] of words) WHICH[key][1](value, `on: ${key}`);
    const { api = "any", name } = which;
    this.#put = (action, observes = false) =>
      put({ api: word(api), name, isSo: this.#isSo, observes }, `${this.#line}${this.#when} ${action}`);
    const [line, isOf] = [words.map(([key, value]) => [WHICH[key][0], value]), ([of]) => of !== null];
    this.#line = line.filter(isOf).map(([of, value]) => ` ${of} ${word(value)}`).join("");
  }

  #which(name, when) {
    if (this.#said) {
      const ways = "once, times, nth, every, withProbability";
      throw new Error(`on: ${this.#said} was said already; a trigger takes one of ${ways}`);
    }
    [this.#said, this.#when] = [name, ` ${when}`];
    return this;
  }

  once() {
    return this.#which("once", "times 1");
  }

  times(count) {
    return this.#which("times", `times ${whole(count, "times", 1, MOST_TIMES)}`);
  }

  nth(number) {
    return this.#which("nth", `nth ${whole(number, "nth", 1, MOST_TIMES)}`);
  }

  every(count = 1) {
    return this.#which("every", `every ${whole(count, "every", 1, MOST_TIMES)}`);
  }

  withProbability(probability) {
    const percent = Math.round(probability * 100);
    // A sum of hundredths may lie a trifle beside the one that is meant.
    const isOne = typeof probability === "number" && Math.abs(percent / 100 - probability) < 1e-9;
    if (!isOne || percent < 0 || percent > 100) {
      const Wrong = typeof probability === "number" ? RangeError : TypeError;
      throw new Wrong(`withProbability: ${told(probability)} is no whole hundredth from 0 to 1`);
    }
    return this.#which("withProbability", `probability ${percent}%`);
  }

  while(isSo) {
    if (this.#isSo) throw new Error("on: while was said already; a trigger takes one");
    this.#isSo = callable(isSo, "while");
    return this;
  }

  async error(code) {
    return this.#put(`error ${word(text(code, "error"))}`);
  }

  async delay(ms, options = {}) {
    const { after = false } = named(options, "delay", ["after"]);
    const line = `delay ${whole(ms, "delay", 0, LONGEST_MS)}`;
    return this.#put(flag(after, "delay: after") ? `${line} after` : line);
  }

  duplicate() {
    return this.#put("duplicate");
  }

  drop() {
    return this.#put("drop");
  }

  async disconnect(options = {}) {
    const { after = false } = named(options, "disconnect", ["after"]);
    return this.#put(flag(after, "disconnect: after") ? "disconnect after" : "disconnect");
  }

  async answer(fields) {
    return this.#put(`answer ${quoted(JSON.stringify(named(fields, "answer", null, "field")))}`);
  }

  async observe(limit = 1000) {
    return this.#put(`observe ${whole(limit, "observe", 1, MOST_OBSERVED)}`, true);
  }

  async do(fault) {
    return this.#put(`do ${text(fault, "do")}`);
  }
}

/** A trigger that was put in force; see index.d.ts. */
export class Trigger {
  #call;
  #life;

  /** `life.over` says that it was taken off, `life.failed` has what its condition threw. */
  constructor(call, name, life) {
    this.#call = call;
    this.#life = life;
    this.name = name;
  }

  async off() {
    if (this.#life.failed) throw this.#life.failed.error;
    this.#life.over = true;
    await this.#call("fault", `off ${word(this.name)}`).catch((error) => {
      // It has had all its requests, or was taken off otherwise.
      if (error.message !== `there is no trigger ${this.name}`) throw error;
    });
  }

  async observed() {
    if (this.#life.failed) throw this.#life.failed.error;
    if (!this.#life.observes) throw new Error(`${this.name} does not observe`);
    const lines = (await this.#call("observed", this.name)).split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line)).filter((one) => !("dropped" in one));
  }
}

/**
 * Arms a trigger while `isSo` holds and holds it while not, until it is gone. `armed` is how it stands after `events`,
 * and `look(events)` gives the next state.
 */
export async function follow({ name, isSo, life, armed, events, call, look }) {
  try {
    while (!life.over) {
      const view = await look(events);
      if (life.over) return;
      let so;
      try {
        so = holds(isSo, view, "while");
      } catch (error) {
        Object.assign(life, { over: true, failed: { error } });
        await call("fault", `off ${word(name)}`);
        return;
      }
      if (so !== armed) await call("fault", `${so ? "arm" : "disarm"} ${word(name)}`);
      [armed, events] = [so, view.events];
    }
  } catch {
    // The trigger has had all its requests, or the cluster was stopped.
  }
}
