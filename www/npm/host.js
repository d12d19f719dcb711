// What drives an engine: it keeps its virtual clock beside the real one, and carries messages between it and the sockets of a
// cluster, which are in this thread or in another. Messages are plain data:
//   to the host:  { open, host, port } { write, bytes } { close } { call, method, args }
//   from it:      { connected } { data, bytes } { closed, reason } { answer, value | error }

// The engine works so long, in milliseconds, before others have their turn.
const TURN = 8;
// A host that is so far behind, in milliseconds, does not make up for it.
const BEHIND = 100;
// It looks at its clock at least this often, in milliseconds.
const REST = 1000;

export class Host {
  #engine;
  #tell;
  // Virtual milliseconds less real ones.
  #ahead;
  #timer = null;
  #ended = false;
  // A socket's number to its connection's, and back.
  #connections = new Map();
  #sockets = new Map();

  /** Drives `engine`, and says with `tell` what has come. */
  constructor(engine, tell) {
    this.#engine = engine;
    this.#tell = tell;
    this.#ahead = engine.now() - performance.now();
    this.#wake(0);
  }

  /** Takes a message. */
  handle(message) {
    if (this.#ended) return;
    const engine = this.#engine;
    if ("open" in message) {
      const connection = engine.connect(message.host, message.port, message.name);
      this.#connections.set(message.open, connection);
      this.#sockets.set(connection, message.open);
    } else if ("write" in message) {
      const connection = this.#connections.get(message.write);
      if (connection === undefined) return;
      try {
        engine.write(connection, message.bytes);
      } catch (error) {
        this.#forget(connection);
        this.#tell({ closed: message.write, reason: error.message });
      }
    } else if ("close" in message) {
      const connection = this.#connections.get(message.close);
      if (connection === undefined) return;
      this.#forget(connection);
      engine.close(connection);
    } else {
      this.#call(message);
    }
    this.#wake(0);
  }

  #call({ call, method, args }) {
    try {
      this.#tell({ answer: call, value: this[method](...args) });
    } catch (error) {
      this.#tell({ answer: call, error: error.message });
    }
  }

  /** Where the brokers listen. */
  bootstrap() {
    return this.#engine.bootstrap();
  }

  /** Injects a fault. */
  fault(line) {
    this.#engine.fault(line);
  }

  /** Lines of the trace since the last call. */
  trace() {
    return this.#engine.trace();
  }

  /** Virtual time, in milliseconds. */
  now() {
    return this.#engine.now();
  }

  /** Lets virtual time go on by so many milliseconds at once. */
  advance(ms) {
    if (!(ms >= 0)) throw new RangeError(`advance: ${ms} is not a number of milliseconds`);
    const until = this.#engine.now() + ms;
    while (!this.#engine.run(until, TURN)) this.#deliver();
    this.#deliver();
    this.#ahead = until - performance.now();
  }

  /** Ends: nothing is told any more. */
  end() {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#engine.free();
  }

  #forget(connection) {
    this.#connections.delete(this.#sockets.get(connection));
    this.#sockets.delete(connection);
  }

  #wake(after) {
    clearTimeout(this.#timer);
    if (!this.#ended) this.#timer = setTimeout(() => this.#turn(), after);
  }

  #turn() {
    const engine = this.#engine;
    const end = performance.now() + TURN;
    const until = () => performance.now() + this.#ahead;
    let came = false;
    do {
      came = engine.run(until(), end - performance.now());
      this.#deliver();
    } while (!came && performance.now() < end);
    const behind = until() - engine.now();
    if (!came && behind > BEHIND) this.#ahead -= behind;
    this.#wake(came ? Math.min(REST, Math.max(0, engine.next() - until())) : 0);
  }

  #deliver() {
    const events = this.#engine.take();
    for (let at = 0; at < events.length; at += 2) {
      const [connection, event] = [events[at], events[at + 1]];
      const socket = this.#sockets.get(connection);
      if (socket === undefined) continue;
      if (event === true) {
        this.#tell({ connected: socket });
      } else if (typeof event === "string") {
        this.#forget(connection);
        this.#tell({ closed: socket, reason: event });
      } else {
        this.#tell({ data: socket, bytes: event });
      }
    }
  }
}
