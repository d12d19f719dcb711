// What drives an engine: it keeps its virtual clock beside the real one, and carries messages between it and the sockets of a
// cluster, which are in this thread or in another. Messages are plain data:
//   to the host:  { open, host, port } { write, bytes } { close } { call, method, args }
//   from it:      { connected } { data, bytes } { closed, reason } { answer, value | error }
// An error is { name, message, code }, with Kafka's names where it is one of Kafka's.
import { load, text } from "./partitioner.js";

// The engine works so long, in milliseconds, before others have their turn.
const TURN = 8;
// A host that is so far behind, in milliseconds, does not make up for it.
const BEHIND = 100;
// It looks at its clock at least this often, in milliseconds.
const REST = 1000;
// A wait that lets time go on looks this often, in virtual milliseconds.
const STEP = 10;
// What was added up in JavaScript may lie a trifle beside the microsecond that is meant.
const TRIFLE = 0.001;

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
  // Who waits for another state.
  #looks = [];
  // What was asked of producers and tools, by the tokens that come back with the answers.
  #asked = new Map();
  #tokens = 0;
  // While the engine goes on it cannot be called: what a partitioner asks of its own cluster waits here.
  #inside = false;
  #later = [];
  // While time is let go on in turns, calls wait here for its end.
  #advancing = false;
  #waiting = [];

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
    if (this.#inside) return void this.#later.push(message);
    // A wait that began before looks at what happens meanwhile.
    const looks = ["look", "waitFor", "reach"].includes(message.method);
    if (this.#advancing && "call" in message && !looks) return void this.#waiting.push(message);
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
    const failed = (error) => {
      const { name = "Error", message = text(error), code } = Object(error);
      this.#answer({ answer: call, error: { name, message, ...(code && { code }) } });
    };
    try {
      const value = this[method](...args);
      if (!(value instanceof Promise)) return this.#answer({ answer: call, value });
      const told = value.then((kept) => this.#answer({ answer: call, value: kept }), failed);
      if (method === "advance") told.then(() => this.#advanced());
    } catch (error) {
      failed(error);
    }
  }

  #answer(message) {
    if (!this.#ended) this.#tell(message);
  }

  /** Where the brokers listen. */
  bootstrap() {
    return this.#engine.bootstrap();
  }

  /** Injects a fault. */
  fault(line) {
    this.#engine.fault(line);
  }

  /** What a trigger has observed, a JSON object a line. */
  observed(name) {
    return this.#engine.observed(name);
  }

  /** Adds a broker, and gives where it will listen. */
  addBroker(id, rack) {
    return this.#engine.addBroker(id, rack);
  }

  /** Takes a broker away. */
  removeBroker(id, force) {
    this.#engine.removeBroker(id, force);
  }

  /** Lines of the trace since the last call. */
  trace() {
    return this.#engine.trace();
  }

  /** Virtual time, in milliseconds. */
  now() {
    return this.#engine.now();
  }

  /** Lets virtual time go on by so many milliseconds. Between turns others have the thread. */
  async advance(ms) {
    this.#advancing = true;
    const until = this.#engine.now() + ms;
    let turn = performance.now();
    for (let end = until; ; ) {
      const came = this.#run(end, TURN);
      if (this.#ended) return;
      this.#deliver();
      if (came && this.#engine.now() >= until) break;
      // A script that waits for `now() >= before + ms` must not wait for ever.
      if (came) end = until + TRIFLE;
      if (performance.now() - turn > TURN) {
        await new Promise((resolve) => setTimeout(resolve));
        if (this.#ended) return;
        turn = performance.now();
      }
    }
    this.#ahead = until - performance.now();
  }

  /** What waited for the end of an advance has its turn; another advance lets the rest wait again. */
  #advanced() {
    this.#advancing = false;
    for (const message of this.#waiting.splice(0)) this.handle(message);
    this.#wake(0);
  }

  /** Does a line of `timeline`, `why` or `odds`, and gives what it answers. */
  timeline(line) {
    const answer = this.#engine.timeline(line);
    // The clock may show another time than before.
    this.#ahead = this.#engine.now() - performance.now();
    this.#deliver();
    return answer;
  }

  /** How far it goes back, and the branches. */
  timelineView() {
    return this.#engine.timelineView();
  }

  /** How the cluster stands. */
  view() {
    return this.#engine.view();
  }

  /**
   * How it stands as soon as that is another state than the one after `seen` events, or the clock has come to
   * `deadline`, and whether it has. With `advance` the next step of time is taken at once.
   */
  look(seen, deadline, advance) {
    if (advance && !this.#looked({ seen, deadline })) {
      const next = Math.max(this.#engine.now(), this.#engine.next());
      this.#run(Math.min(deadline, next + STEP), TURN);
      this.#deliver();
      if (this.#ended) return;
      this.#ahead = this.#engine.now() - performance.now();
    }
    return this.#looked({ seen, deadline }) ?? new Promise((kept) => this.#looks.push({ seen, deadline, kept }));
  }

  /** Begins to wait for a condition, and gives the wait's number. */
  waitFor(condition) {
    return this.#engine.waitFor(condition);
  }

  /**
   * How it stood when a condition came to be so, or how it stands when the clock has come to `deadline`, and then what
   * keeps it from being so. With `advance` steps of time are taken at once.
   */
  async reach(wait, deadline, advance) {
    const look = { wait, deadline };
    for (let turn = performance.now(); advance; ) {
      const looked = this.#looked(look);
      if (looked) return looked;
      const next = Math.max(this.#engine.now(), this.#engine.next());
      this.#run(Math.min(deadline, next + STEP), TURN);
      this.#deliver();
      if (this.#ended) return;
      this.#ahead = this.#engine.now() - performance.now();
      if (performance.now() - turn > TURN) {
        await new Promise((resolve) => setTimeout(resolve));
        if (this.#ended) return;
        turn = performance.now();
      }
    }
    return this.#looked(look) ?? new Promise((kept) => this.#looks.push({ ...look, kept }));
  }

  /** What a look gives, if it does. */
  #looked({ seen, wait, deadline }) {
    const over = this.#engine.now() > deadline - TRIFLE;
    if (wait !== undefined) {
      const view = this.#engine.reached(wait);
      if (view) return { view, over: false };
      return over ? { view: this.#engine.view(), over, kept: this.#engine.stopWaiting(wait) } : undefined;
    }
    if (over || this.#engine.events() !== seen) return { view: this.#engine.view(), over };
  }

  /** Records of a topic. */
  records(topic, partition, from, limit) {
    return this.#engine.records(topic, partition, from, limit);
  }

  /** Runs a console tool with this standard input, for so many virtual milliseconds at most. */
  tool(line, stdin, patience) {
    return this.#ask((token) => this.#engine.tool(token, line, stdin, patience));
  }

  /**
   * Starts a producer with these pairs of settings, and gives its id. `from` is where its partitioner comes from, if it
   * has one.
   */
  async producer(settings, from) {
    const choose = from && (await load(from));
    if (this.#ended) throw new Error("the cluster was stopped");
    const id = this.#engine.producer(settings.flat(), choose);
    this.#wake(0);
    return id;
  }

  /** Has a producer send a record. The promise is kept with where it stands. */
  send(producer, record) {
    return this.#ask((token) => this.#engine.send(producer, token, record));
  }

  /** Has a producer deliver everything that it has. */
  flush(producer) {
    return this.#ask((token) => this.#engine.flush(producer, token));
  }

  /** The same, and ends it. */
  closeProducer(producer) {
    return this.#ask((token) => this.#engine.closeProducer(producer, token));
  }

  #ask(ask) {
    const token = ++this.#tokens;
    ask(token);
    return new Promise((resolve, reject) => this.#asked.set(token, { resolve, reject }));
  }

  /** Ends: nothing is told any more. */
  end() {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    if (!this.#inside) this.#engine.free();
  }

  /** Lets the engine go on, as its `run` does. */
  #run(until, budget) {
    this.#inside = true;
    let came;
    try {
      came = this.#engine.run(until, budget);
    } finally {
      this.#inside = false;
    }
    if (this.#ended) {
      this.#engine.free();
      return true;
    }
    for (const message of this.#later.splice(0)) this.handle(message);
    return came;
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
    if (this.#advancing) return;
    const engine = this.#engine;
    const end = performance.now() + TURN;
    const until = () => performance.now() + this.#ahead;
    let came = false;
    do {
      came = this.#run(until(), end - performance.now());
      this.#deliver();
    } while (!came && performance.now() < end);
    if (this.#ended) return;
    const behind = until() - engine.now();
    if (!came && behind > BEHIND) this.#ahead -= behind;
    const next = Math.min(engine.next(), ...this.#looks.map(({ deadline }) => deadline));
    this.#wake(came ? Math.min(REST, Math.max(0, next - until())) : 0);
  }

  #deliver() {
    if (this.#ended) return;
    this.#answers();
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
    this.#looks = this.#looks.filter((look) => {
      const looked = this.#looked(look);
      if (looked) look.kept(looked);
      return !looked;
    });
  }

  #answers() {
    const answers = this.#engine.answers();
    for (let at = 0; at < answers.length; at += 2) {
      const { resolve, reject } = this.#asked.get(answers[at]);
      this.#asked.delete(answers[at]);
      if ("message" in answers[at + 1]) reject(answers[at + 1]);
      else resolve(answers[at + 1]);
    }
  }
}
