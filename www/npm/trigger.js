// Triggers: what is to happen when a request comes to a broker. A trigger is a line of the console's `fault on …`, put
// together by calls.

/** A text as one word of a fault's line, and that word as one of the console's. */
export const word = (text) => {
  const escaped = String(text).replace(/[%\s\p{Cc}]/gu, (c) =>
    [...new TextEncoder().encode(c)].map((byte) => `%${byte.toString(16).padStart(2, "0").toUpperCase()}`).join(""),
  );
  return quoted(escaped === "" ? "%" : escaped);
};

const quoted = (text) => (/^[\w.:,=%-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

const WHICH = {
  broker: "broker",
  clientId: "client-id",
  connection: "connection",
  version: "version",
  topic: "topic",
  partition: "partition",
};

/** What {@link Cluster.on} gives; see index.d.ts. */
export class On {
  #put;
  #line;
  #when = "";
  #isSo;

  /** `put(line, isSo)` puts a trigger in force, without its name. */
  constructor(put, { api = "any", name, ...which } = {}) {
    const words = Object.entries(which).filter(([, value]) => value !== undefined);
    for (const [key] of words) if (!(key in WHICH)) throw new TypeError(`on: there is no ${key}`);
    this.#put = (action) => put({ api: word(api), name, isSo: this.#isSo }, `${this.#line}${this.#when} ${action}`);
    this.#line = words.map(([key, value]) => ` ${WHICH[key]} ${word(value)}`).join("");
  }

  once() {
    return this.times(1);
  }

  times(count) {
    this.#when = ` times ${word(count)}`;
    return this;
  }

  nth(number) {
    this.#when = ` nth ${word(number)}`;
    return this;
  }

  every(count = 1) {
    this.#when = ` every ${word(count)}`;
    return this;
  }

  withProbability(probability) {
    if (!(probability >= 0 && probability <= 1)) throw new RangeError(`withProbability: ${probability} is not from 0 to 1`);
    this.#when = ` probability ${Math.round(probability * 100)}%`;
    return this;
  }

  while(isSo) {
    if (typeof isSo !== "function") throw new TypeError("while: what is to be so is no function");
    this.#isSo = isSo;
    return this;
  }

  error(code) {
    return this.#put(`error ${word(code)}`);
  }

  delay(ms) {
    return this.#put(`delay ${word(ms)}`);
  }

  drop() {
    return this.#put("drop");
  }

  disconnect({ after = false } = {}) {
    return this.#put(after ? "disconnect after" : "disconnect");
  }

  answer(fields) {
    return this.#put(`answer ${quoted(JSON.stringify(fields))}`);
  }

  observe(limit = 1000) {
    return this.#put(`observe ${word(limit)}`);
  }

  do(fault) {
    return this.#put(`do ${fault}`);
  }
}

/** A trigger that was put in force; see index.d.ts. */
export class Trigger {
  #call;
  #life;

  /** `life.over` says that it was taken off. */
  constructor(call, name, life) {
    this.#call = call;
    this.#life = life;
    this.name = name;
  }

  off() {
    this.#life.over = true;
    return this.#call("fault", `off ${word(this.name)}`);
  }

  async observed() {
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
      const so = Boolean(isSo(view));
      if (so !== armed) await call("fault", `${so ? "arm" : "disarm"} ${word(name)}`);
      [armed, events] = [so, view.events];
    }
  } catch {
    // The trigger has had all its requests, or the cluster was stopped.
  }
}
