// A producer of a cluster: Kafka's, in the engine.
import { copied, named, text, told } from "./check.js";

const FIELDS = ["topic", "partition", "timestamp", "key", "value", "headers"];
const CLOSED = "Cannot perform operation after producer has been closed";

/** An error as Java names it. */
const failure = (name, message) => Object.assign(new Error(message), { name });

/** A copy of bytes, or a text's UTF-8; null for neither. */
export function bytes(value, what) {
  if (value === undefined || value === null) return null;
  if (typeof value === "string") return new TextEncoder().encode(value);
  // Not `instanceof`: the bytes of another realm are bytes too.
  if (ArrayBuffer.isView(value)) return copied(value);
  throw new TypeError(`${what} is neither a string nor bytes`);
}

/** The same of a number that may be absent. */
function whole(value, what, most) {
  if (value === undefined || value === null) return null;
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  const label = what === "partition" ? "Partition number" : "Timestamp";
  throw failure(
    "IllegalArgumentException",
    `Invalid ${what}: ${told(value)}. ${label} should always be non-negative or null.`,
  );
}

function pairs(headers) {
  if (headers === undefined || headers === null) return [];
  if (typeof headers !== "object") throw new TypeError(`send: headers: ${told(headers)} is no object`);
  const list = Symbol.iterator in headers ? [...headers] : Object.entries(headers);
  const wrong = list.findIndex((pair) => !Array.isArray(pair));
  if (wrong >= 0) throw new TypeError(`send: headers: ${told(list[wrong])} is no pair of a name and a value`);
  const key = (name) => bytes(name, "a header's key") ?? new Uint8Array();
  return list.map(([name, value]) => [key(name), bytes(value, "a header's value")]);
}

export class Producer {
  #call;
  #id;
  #closed = null;

  /** A producer that was started; `call` asks the host. */
  constructor(call, id) {
    this.#call = call;
    this.#id = id;
  }

  /** Sends a record; see index.d.ts. */
  async send(fields) {
    const { topic, partition, timestamp, key, value, headers } = named(fields, "send", FIELDS, "field");
    if (this.#closed) throw failure("IllegalStateException", CLOSED);
    if (topic === undefined || topic === null) throw failure("IllegalArgumentException", "Topic cannot be null.");
    const record = {
      topic: text(topic, "send: topic"),
      partition: whole(partition, "partition", 2 ** 31 - 1),
      timestamp: whole(timestamp, "timestamp", Number.MAX_SAFE_INTEGER),
      key: bytes(key, "key"),
      value: bytes(value, "value"),
      headers: pairs(headers),
    };
    const { length: serializedKeySize } = record.key ?? { length: -1 };
    const { length: serializedValueSize } = record.value ?? { length: -1 };
    const stands = await this.#call("send", this.#id, record);
    return { topic: record.topic, ...stands, serializedKeySize, serializedValueSize };
  }

  async flush() {
    if (this.#closed) throw failure("IllegalStateException", CLOSED);
    await this.#call("flush", this.#id);
  }

  close() {
    this.#closed ??= this.#call("closeProducer", this.#id).then(() => {});
    return this.#closed;
  }
}

/** Kafka's settings as texts. */
export function texts(settings) {
  return Object.entries(settings)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => {
      if (!["string", "number", "boolean"].includes(typeof value)) {
        throw new TypeError(`${name} is neither a string, a number nor a boolean`);
      }
      return [name, String(value)];
    });
}
