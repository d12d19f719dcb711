// Going back in time: each method is a line of the console's `timeline`, `why` or `odds`; see index.d.ts.
import { named, span, text, whole } from "./check.js";

const MOST_MS = 1e10;
const NAME = /^[\p{L}\p{N}\-_.]{1,40}$/u;
const UINT32 = 2 ** 32 - 1;

/** A branch's name, which has to stand as one word in a line. */
function branch(value, what) {
  if (NAME.test(text(value, what))) return value;
  throw new RangeError(`${what}: ${JSON.stringify(value)} is no name for a branch: it has letters, digits, -, _ and ., at most 40`);
}

/** A condition or a fact, in one line. */
function line(value, what) {
  return text(value, what).replaceAll(/\s+/g, " ").trim();
}

const seconds = (ms) => `${ms / 1000}s`;

/** A moment: milliseconds since the start, or `{ event }`. */
function moment(value, what) {
  if (typeof value !== "object" || value === null) return seconds(span(value, what, MOST_MS));
  const { event } = named(value, what, ["event"]);
  return `event ${whole(event, `${what}: event`, 0, Number.MAX_SAFE_INTEGER)}`;
}

export class Timeline {
  #call;

  constructor(call) {
    this.#call = call;
  }

  #ask(words) {
    return this.#call("timeline", words);
  }

  async back(ms) {
    await this.#ask(`timeline back ${seconds(span(ms, "timeline.back", MOST_MS))}`);
  }

  async to(when) {
    await this.#ask(`timeline to ${moment(when, "timeline.to")}`);
  }

  async now() {
    await this.#ask("timeline now");
  }

  async until(condition) {
    await this.#ask(`timeline until ${line(condition, "timeline.until")}`);
  }

  async branch(name, options = {}) {
    const { from, seed } = named(options, "timeline.branch", ["from", "seed"]);
    const words = ["timeline branch", branch(name, "timeline.branch")];
    if (from !== undefined) words.push("--from", moment(from, "timeline.branch: from"));
    if (seed !== undefined) words.push("--seed", String(whole(seed, "timeline.branch: seed", 0, UINT32)));
    await this.#ask(words.join(" "));
  }

  async switch(name) {
    await this.#ask(`timeline switch ${branch(name, "timeline.switch")}`);
  }

  async rename(name, to) {
    await this.#ask(`timeline rename ${branch(name, "timeline.rename")} ${branch(to, "timeline.rename")}`);
  }

  async delete(name) {
    await this.#ask(`timeline delete ${branch(name, "timeline.delete")}`);
  }

  async diff(name) {
    return this.#ask(`timeline diff ${branch(name, "timeline.diff")}`);
  }

  async why(fact) {
    return this.#ask(`why ${line(fact, "timeline.why")}`);
  }

  async odds(condition, options = {}) {
    const known = ["from", "forMs", "seeds", "since", "until"];
    const { from, forMs, seeds, since, until } = named(options, "timeline.odds", known);
    const words = ["odds", line(condition, "timeline.odds")];
    if (from !== undefined) words.push("--from", moment(from, "timeline.odds: from"));
    if (since !== undefined) words.push("--since", moment(since, "timeline.odds: since"));
    if (until !== undefined) words.push("--until", moment(until, "timeline.odds: until"));
    if (forMs !== undefined) words.push("--for", seconds(span(forMs, "timeline.odds: forMs", MOST_MS)));
    if (seeds !== undefined) words.push("--seeds", String(whole(seeds, "timeline.odds: seeds", 1, 10_000)));
    return this.#ask(words.join(" "));
  }

  view() {
    return this.#call("timelineView");
  }
}
