// A socket over a cluster: of node:net's what Kafka clients use.
import { copied } from "./check.js";

const CODES = {
  refused: "ECONNREFUSED",
  reset: "ECONNRESET",
  unreachable: "EHOSTUNREACH",
  "peer down": "ECONNRESET",
  "the cluster was taken back to an earlier moment": "ECONNRESET",
};

export class Socket {
  #send;
  #id;
  #listeners = new Map();
  #stands = false;
  destroyed = false;
  connecting = true;

  constructor(send, id, host, port, onConnect) {
    this.#send = send;
    this.#id = id;
    this.remoteAddress = host;
    this.remotePort = port;
    if (onConnect) this.once("connect", onConnect);
  }

  on(event, listener) {
    const listeners = this.#listeners.get(event) ?? [];
    this.#listeners.set(event, [...listeners, listener]);
    return this;
  }

  addListener(event, listener) {
    return this.on(event, listener);
  }

  once(event, listener) {
    const first = (...args) => {
      this.off(event, first);
      listener(...args);
    };
    return this.on(event, first);
  }

  off(event, listener) {
    this.#listeners.set(
      event,
      (this.#listeners.get(event) ?? []).filter((one) => one !== listener),
    );
    return this;
  }

  removeListener(event, listener) {
    return this.off(event, listener);
  }

  removeAllListeners(event) {
    if (event === undefined) this.#listeners.clear();
    else this.#listeners.delete(event);
    return this;
  }

  emit(event, ...args) {
    const listeners = this.#listeners.get(event) ?? [];
    listeners.forEach((listener) => listener(...args));
    return listeners.length > 0;
  }

  write(data, encoding, done) {
    if (this.destroyed) return false;
    // The text encodings of node:net are not for Kafka: its clients write bytes.
    if (!ArrayBuffer.isView(data)) throw new TypeError("a Kafka client writes bytes");
    this.#send({ write: this.#id, bytes: copied(data) });
    const after = typeof encoding === "function" ? encoding : done;
    if (after) queueMicrotask(after);
    return true;
  }

  end(data) {
    if (data !== undefined) this.write(data);
    this.destroy();
    return this;
  }

  destroy() {
    if (this.destroyed) return this;
    this.destroyed = true;
    this.connecting = false;
    this.#send({ close: this.#id });
    queueMicrotask(() => this.emit("close", false));
    return this;
  }

  // Nothing of these is felt inside of a cluster.
  setKeepAlive() {
    return this;
  }
  setNoDelay() {
    return this;
  }
  setTimeout() {
    return this;
  }
  ref() {
    return this;
  }
  unref() {
    return this;
  }
  pause() {
    return this;
  }
  resume() {
    return this;
  }

  /** A message of the host. */
  handle(message) {
    if (this.destroyed) return;
    if ("connected" in message) {
      this.#stands = true;
      this.connecting = false;
      this.emit("connect");
    } else if ("data" in message) {
      const { bytes } = message;
      const { Buffer } = globalThis;
      this.emit("data", Buffer ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes);
    } else {
      this.destroyed = true;
      this.connecting = false;
      // What ends without the network's doing has its own code, and its reason says all.
      const { reason, code = CODES[reason] } = message;
      if (this.#stands && !code) {
        this.emit("end");
      } else {
        const said = message.code ? reason : `${reason} by ${this.remoteAddress}:${this.remotePort}`;
        this.emit("error", Object.assign(new Error(said), { code }));
      }
      this.emit("close", Boolean(code));
    }
  }
}
