// What is checked of arguments before they go on to the engine: an error names the method, what came, and what is
// wanted.

// Of a text so much is told.
const TOLD = 80;

/** A value in a few words, whatever it is. */
export function told(value) {
  if (typeof value === "string") return JSON.stringify(value.length > TOLD ? `${value.slice(0, TOLD)}…` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}

/** A text. */
export function text(value, what) {
  if (typeof value === "string") return value;
  throw new TypeError(`${what}: ${told(value)} is no text`);
}

/** A whole number from `least` to `most`. */
export function whole(value, what, least, most) {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  const Wrong = typeof value === "number" ? RangeError : TypeError;
  throw new Wrong(`${what}: ${told(value)} is no whole number from ${least} to ${most}`);
}

/** A time in milliseconds, at most `most` of them. */
export function span(ms, what, most) {
  if (typeof ms === "number" && ms >= 0 && ms <= most) return ms;
  const Wrong = typeof ms === "number" ? RangeError : TypeError;
  throw new Wrong(`${what}: ${told(ms)} is no number of milliseconds from 0 to ${most}`);
}

/** True or false. */
export function flag(value, what) {
  if (typeof value === "boolean") return value;
  throw new TypeError(`${what}: ${told(value)} is neither true nor false`);
}

/** Something that can be called. */
export function callable(value, what) {
  if (typeof value === "function") return value;
  throw new TypeError(`${what}: ${told(value)} is no function`);
}

/** Named values. With `known` every name is one of these. */
export function named(value, what, known, kind = "option") {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${what}: ${told(value)} is no object with ${kind}s`);
  }
  for (const name of known ? Object.keys(value) : []) {
    if (known.includes(name)) continue;
    throw new TypeError(`${what}: there is no ${kind} ${name}; known are ${known.join(", ")}`);
  }
  return value;
}

/** What a condition says of a view. It is asked often, so it has to answer at once. */
export function holds(isSo, view, what) {
  const so = isSo(view);
  if (typeof so?.then !== "function") return Boolean(so);
  // It was never to be waited for, and nobody else hears how it ends.
  Promise.resolve(so).catch(() => {});
  throw new TypeError(`${what}: the function gave a promise, but it is asked often and has to answer at once`);
}

/** A copy of a view's bytes: its whole buffer would go along to a worker, and its owner may use it again. */
export const copied = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
