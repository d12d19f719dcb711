// A worker that speaks like the engine but has no cluster: the page's tests stand on it. `?state=…` of the page is not
// seen here; the cluster's name chooses what happens instead.

const say = (update) => postMessage(update);
const bytes = (text) => new TextEncoder().encode(text);

// ── The cluster ──────────────────────────────────────────────────────────
function segment(base, next, size, durable = size) {
  return {
    baseOffset: base, nextOffset: next, size, durable, cached: Math.min(size, 65536), durableOffset: durable === size ? next : base,
    indexEntries: Math.floor(size / 4096), timeIndexEntries: Math.floor(size / 4096), maxTimestamp: 1795000000000 + next,
  };
}

// `copies` are [broker, log end, high watermark] of replicas that differ from the leader; null is one that does not run.
function partition(number, segments, { start = 0, hw, durable, leader = 1, epoch = 0, replicas = [1], isr = replicas, elr = [], copies = {} } = {}) {
  const end = segments.at(-1).nextOffset;
  const copy = (broker) => {
    const [logEnd, highWatermark] = copies[broker] === null ? [-1, -1] : copies[broker] ?? [end, hw ?? end];
    return { broker, online: logEnd >= 0, logEnd, highWatermark, cleanedTo: -1 };
  };
  return {
    partition: number, leader, leaderEpoch: epoch, replicas, isr, elr, copies: replicas.map(copy), logStart: start, highWatermark: hw ?? end, lastStable: hw ?? end,
    logEnd: end, durableOffset: durable ?? end, size: segments.reduce((sum, s) => sum + s.size, 0), segments,
    openTransactions: [], abortedTransactions: [],
  };
}

const many = (count, records, tail, flushed) => [
  ...Array.from({ length: count }, (_, i) => segment(i * records, (i + 1) * records, 1048576)),
  segment(count * records, count * records + tail, tail * 40, Math.floor(tail * 40 * flushed)),
];

function topic(name, partitions, configs = [], internal = false) {
  return { name, id: "4nq0vKxVQ1u7mZ2hTq3bWA", internal, replicationFactor: partitions[0].replicas.length, configs, partitions };
}

const ORDERS = () => topic("orders", [
  partition(0, many(7, 43691, 3211, 0.5), { durable: 7 * 43691 + 1600 }),
  partition(1, many(12, 43691, 4040, 0.35), { start: 262146, hw: 12 * 43691 + 3976, durable: 12 * 43691 + 1400 }),
  partition(2, many(3, 43691, 2406, 1)),
], [["segment.bytes", "1048576"], ["min.insync.replicas", "1"]]);

// Broker 3 has crashed: p0 lacks it, p1 has a follower outside the tail, p2 had no other replica in sync.
const PAYMENTS = () => topic("payments", [
  partition(0, [segment(0, 80, 8000, 4000)], { durable: 40, hw: 72, leader: 1, epoch: 2, replicas: [1, 2, 3], isr: [1, 2], copies: { 2: [76, 64], 3: null } }),
  partition(1, many(2, 1000, 60, 1), { leader: 2, epoch: 1, replicas: [2, 1], isr: [2], copies: { 1: [1200, 1200] } }),
  partition(2, [segment(0, 30, 3000)], { leader: -1, epoch: 4, replicas: [3, 1], isr: [], elr: [3], copies: { 3: null, 1: [30, 25] } }),
], [["min.insync.replicas", "2"]]);

let topics = [
  topic("__consumer_offsets", [partition(0, [segment(0, 12, 900)])], [["cleanup.policy", "compact"]], true),
  topic("commerce.payment.prd.notification", [partition(0, [segment(0, 6, 620, 0)], { durable: 0 }), partition(1, [segment(0, 0, 0)])]),
  ORDERS(),
  PAYMENTS(),
  topic("six-partitions", Array.from({ length: 6 }, (_, i) => partition(i, [segment(0, 40 + i * 9, 4000 + i)], { durable: 20 + i * 9 }))),
];

let now = 83_456_789;
let pace = { times: 1 };
// How it goes on after a pause, and the speed that was asked for last.
let [resumes, speed] = [pace, 1];
let events = 0;
const clock = (reached = 1) => ({ now, unixMs: 1795000000000 + now / 1000, pace, reached, events, resumes, speed });
const broker = (id, more) => ({
  id, address: `localhost:${9091 + id}`, up: true, state: "running", quorum: "voter", rack: "", controller: false, controllerEpoch: 7, connections: 3,
  dirtyBytes: 402_113, cachedBytes: 23_911_424, cacheSize: 67_108_864, cacheHits: 12_003, cacheMisses: 41, cacheBytesRead: 2_686_976, cleaner: { running: null, last: null, uncleanable: [] }, diskBytes: 24_313_537, requests: 18_233, recordsIn: 1_014_233, recordsOut: 988_110, ...more,
});
let brokers = [
  broker(1, { quorum: "leader", controller: true, rack: "a" }),
  broker(2, { rack: "b" }),
  broker(3, { up: false, state: "crashed", controllerEpoch: -1, connections: 0 }),
  broker(4, { quorum: "observer", state: "fenced" }),
];
const member = (id, partitions, more) => ({ id: `console-consumer-${id}`, clientId: "console-consumer", instance: "", host: "/127.0.0.1", leader: false, joined: false, partitions, ...more });
const offset = (partition, committed, highWatermark, owner) => ({ topic: "orders", partition, committed, highWatermark, owner: owner ? `console-consumer-${owner}` : "" });
const groups = [
  { id: "analytics", state: "Empty", generation: 4, protocol: "", coordinator: 2, members: [], offsets: [offset(0, 300_000, 309_048)] },
  {
    id: "billing", state: "Stable", generation: 7, protocol: "range", coordinator: 1,
    members: [member("aaaaaa11", [["orders", 0], ["orders", 1]], { leader: true }), member("bbbbbb22", [["orders", 2]], { instance: "till-2" }), member("cccccc33", [])],
    offsets: [offset(0, 309_048, 309_048, "aaaaaa11"), offset(1, 528_000, 528_268, "aaaaaa11"), offset(2, -1, 133_479, "bbbbbb22")],
  },
  { id: "shipping", state: "PreparingRebalance", generation: 2, protocol: "cooperative-sticky", coordinator: 1, members: [member("dddddd44", [["orders", 0]], { joined: true })], offsets: [offset(0, 12, 309_048, "dddddd44")] },
];
const HEAVY = "orders-with-a-rather-long-name-as-teams-write-them.commerce.payment.prd";
const client = (id, name, role, more) => ({ id: 1000 + id, process: `client-${id}`, name, line: `workload start ${name}`, state: "running", rate: 20.4, output: ["  1.000 sent 20, acknowledged 20"], role, ...more });
const producer = (clientId, more) => ({
  clientId, acks: "all", idempotent: true, producerId: 1000, producerEpoch: 0, lingerMs: 5, batchSize: 16_384, bufferMemory: 33_554_432, bufferUsed: 151_552, maxInFlight: 5,
  waiting: [], waitingLeftOut: 0, inFlight: [], requests: 402, batches: 611, retries: 0, acknowledged: 12_040, failed: 0, ...more,
});
const waiting = (partition, more) => ({ topic: "orders", partition, batches: 1, records: 12, bytes: 4_200, openBytes: 4_200, since: 83_454_000, ready: false, again: 0, ...more });
const read = (topic, partition, position, committed, highWatermark) => ({ topic, partition, position, committed, highWatermark });
const consumer = (clientId, more) => ({
  clientId, group: "billing", instance: "", member: `${clientId}-7a66bb4c-67aa-4345-b930-651e73031822`, generation: 7, step: "Stable", coordinator: 1, assignors: "range, cooperative-sticky",
  partitions: [], partitionsLeftOut: 0, fetches: 1, received: 988_110, processed: undefined, working: undefined, ...more,
});
const clients = [
  client(1, "web-checkout", { producer: producer("web-checkout", {
    waiting: [waiting(0), waiting(1, { batches: 3, records: 144, bytes: 41_000, ready: true }), waiting(2, { batches: 0, records: 0, bytes: 0, openBytes: 0, since: undefined })],
    inFlight: [{ broker: 1, requests: 3, batches: 5 }, { broker: 2, requests: 0, batches: 0 }],
  }) }),
  client(2, "pos-gateway-of-the-shop-in-the-second-basement", { producer: producer("pos", { acks: "0", idempotent: false, producerId: -1, bufferUsed: 33_554_432, failed: 12, retries: 3, waiting: [{ ...waiting(7), topic: HEAVY }] }) }, { state: "stopping" }),
  client(3, "till", { producer: producer("till") }, { state: { ended: 1 }, output: ["  2.000 ends: org.apache.kafka.common.errors.TimeoutException"] }),
  client(4, "billing-1", { consumer: consumer("billing-1", {
    member: "console-consumer-aaaaaa11", partitions: [read("orders", 0, 309_048, 309_040, 309_048), read("orders", 1, -1, -1, 528_268), read(HEAVY, 11, 12, 12, 12)], processed: 988_100,
    working: { topic: "orders", partition: 0, offset: 309_041, until: 83_500_000, left: 7 },
  }) }),
  client(5, "", { consumer: consumer("console-consumer", { step: "PreparingRebalance", generation: -1, coordinator: -1 }) }, { line: "kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic orders --group billing", output: [] }),
];
let faults = ["crash 3", "cut 2 4"];
let store = { durability: "relaxed", pendingBytes: 0, storedBytes: 23_911_424, commits: 812, error: undefined, writer: true };
const delta = (more) => say({ delta: { clock: clock(), topics: [], gone: [], events: [], eventsLeftOut: 0, ...more } });
const event = (kind, text, back = 0) => ({ at: now - back, kind, node: "broker-1", text });

function ready(more = {}) {
  say({ ready: { cluster, seed, view: { clock: clock(), brokers, topics, groups, clients: cluster === "empty" ? [] : clients, faults, store }, recovery: [], persistent: true, ...more } });
  delta({
    events: [
      event("replication", "orders elected leader 1 for partitions 0, 1, 2, epoch 0", 62_001_000),
      event("network", "accepted a connection from console-1", 31_420_118),
      event("log", "orders-1 rolled segment 00000000000000524292", 20_022_400),
      event("log", "orders-1 HW advanced 528,204 → 528,268", 8_120),
      event("fault", "closed connection 7: frame of 1,347,375,956 bytes is over socket.request.max.bytes", 4_100),
      event("log", "orders-0 flushed up to 307,437", 340),
    ],
    eventsLeftOut: 1204,
  });
}

// ── Boot, by the cluster's name ──────────────────────────────────────────
let cluster = "";
let seed = 0;
const RECOVERY = [
  { partition: "orders-0", clean: true, scanned: 0, truncated: 0, logEnd: 309048 },
  { partition: "orders-1", clean: false, scanned: 161_600, truncated: 1629, logEnd: 528332 },
];
const BOOT = {
  "loading": () => say({ loading: { done: 12_500_000, total: 50_000_000 } }),
  "locked": () => say("locked"),
  "taken": () => { ready(); setTimeout(() => say("taken-over"), 50); },
  "panicked": () => { ready(); setTimeout(() => say({ panicked: { message: "index out of bounds: the len is 3 but the index is 3\n  at crates/log/src/offset_index.rs:88", replay: '{"seed":7,"commands":[]}' } }), 50); },
  "silent": () => {},
  "empty": () => { topics = []; ready(); },
  "recovered": () => ready({ recovery: RECOVERY }),
  "memory": () => ready({ persistent: false }),
  "quota": () => { store = { ...store, error: "QuotaExceededError: the quota has been exceeded.", pendingBytes: 1_400_000 }; ready(); },
  "slow": () => { [pace, speed] = [{ times: 1000 }, 1000]; ready(); setTimeout(() => delta({ clock: clock(212) }), 20); },
  "error": () => { ready(); say({ error: { message: "Segment 7 of orders-0 is gone." } }); },
  "strange": () => { ready(); say({ nonsense: 1 }); },
  "crash-worker": () => { throw new Error("the worker broke"); },
};

// ── The message browser ──────────────────────────────────────────────────
const HOSTILE = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
const VALUES = [
  bytes('{"sku":"kettle","qty":1,"krw":38000,"note":"주문 접수"}'),
  bytes(HOSTILE),
  new Uint8Array([0, 1, 2, 0xff, 0xfe]),
  bytes("안녕하세요, 카프카 — 한글 레코드입니다"),
  undefined,
  bytes("x".repeat(4096)),
];

function batchView(base, records, compression = "none") {
  return { baseOffset: base, lastOffset: base + records - 1, segment: 0, position: base * 40, size: 1629, records, compression, maxTimestamp: 1795000083449, durable: base < 120 };
}

function browse({ topic: name, partition: number, offset, limit }) {
  const end = topics.find((t) => t.name === name)?.partitions[number]?.logEnd ?? 0;
  const start = topics.find((t) => t.name === name)?.partitions[number]?.logStart ?? 0;
  const step = 6;
  const first = Math.floor(Math.min(offset, Math.max(end - 1, 0)) / step) * step;
  const batches = [];
  for (let base = first; base < end && batches.length < limit; base += step) {
    batches.push(batchView(base, Math.min(step, end - base), base % 18 === 12 ? "zstd" : "none"));
  }
  const after = first + batches.length * step;
  say({ browse: { topic: name, partition: number, batches, nextOffset: after < end ? after : undefined, previousOffset: first > 0 ? Math.max(0, first - limit * step) : undefined, logStart: start, logEnd: end } });
}

const MOMENT = ({ topic: name, partition: number, moment }) =>
  say({ moment: { topic: name, partition: number, moment, found: moment <= 1795000083449 ? [6, 1795000083449] : undefined, newest: [11, 1795000083454] } });

/** Two records that were found, or none where the filter says so. */
function search({ id, filter, order }) {
  const record = (offset) => ({ offset, timestamp: 1795000083449 + offset, key: bytes(`A-${offset}`), value: VALUES[0], keySize: 3, valueSize: VALUES[0].length, headers: [], from: undefined, to: undefined });
  const found = filter === "nothing" || order === "arriving" ? [] : [{ partition: 1, record: record(9) }, { partition: 0, record: record(7) }];
  say({ search: { id, found, looked: 4_120, leftOut: 0, from: [], more: false, left: 0, unread: [], error: undefined } });
}

const FIELDS = [["baseOffset", 8], ["batchLength", 4], ["partitionLeaderEpoch", 4], ["magic", 1], ["crc", 4], ["attributes", 2], ["lastOffsetDelta", 4], ["baseTimestamp", 8], ["maxTimestamp", 8], ["producerId", 8], ["producerEpoch", 2], ["baseSequence", 4], ["recordsCount", 4]];

function batch({ topic: name, partition: number, baseOffset }) {
  const compression = baseOffset % 18 === 12 ? "zstd" : "none";
  const data = new Uint8Array(1629).map((_, i) => (i * 7 + baseOffset) & 0xff);
  let at = 0;
  const fields = FIELDS.map(([field, size]) => {
    const from = at;
    at += size;
    return { name: field, value: field === "crc" ? "0xb45f99ca" : field === "baseOffset" ? String(baseOffset) : field.endsWith("Timestamp") ? "1795000083449" : "0", from, to: at };
  });
  const records = VALUES.map((value, i) => ({
    offset: baseOffset + i, timestamp: 1795000083449 + i, key: i === 4 ? undefined : bytes(`A-2041${i}`), value,
    keySize: i === 4 ? -1 : 7, valueSize: value === undefined ? -1 : i === 5 ? 100_000 : value.length,
    headers: i === 0 ? [["trace", bytes("abc")], ["trace", undefined]] : [],
    from: compression === "none" ? 61 + i * 260 : undefined, to: compression === "none" ? 61 + (i + 1) * 260 : undefined,
  }));
  say({ batch: { topic: name, partition: number, batch: batchView(baseOffset, 6, compression), fields, records, skipped: 0, bytes: data, error: undefined } });
}

// ── The console ──────────────────────────────────────────────────────────
const WORDS = ["kafka-console-consumer.sh", "kafka-console-producer.sh", "kafka-dump-log.sh", "kafka-get-offsets.sh", "kafka-topics.sh", "help", "cat"];
let running = null;
const print = (id, text, stream = "out") => say({ console: { id, output: [{ stream, text }], exit: undefined } });
const end = (id, exit = 0) => { running = null; say({ console: { id, output: [], exit } }); };

function run({ id, line }) {
  running = { id, lines: [] };
  const words = line.trim().split(/\s+/);
  const created = /--create .*--topic (\S+)(?: --partitions (\d+))?/.exec(line);
  if (line === "flood") {
    // A hundred thousand lines, in the pieces that the engine's slices give.
    let at = 0;
    const piece = () => {
      let text = "";
      for (let i = 0; i < 2000; i++) text += `${at++} {"user":"사용자-${at}","path":"/index.html","status":200,"bytes":5120}\n`;
      print(id, text);
      if (at < 100_000) setTimeout(piece, 8);
      else end(id);
    };
    piece();
  } else if (line === "storm") {
    // Three elections among the appends of a load, of which the engine tells a few with each delta and counts the rest.
    for (let at = 0; at < 60; at++) {
      now += 50_000;
      const appends = Array.from({ length: 60 }, (_, i) => ({ ...event("log", `appended ${at * 60 + i} to orders-0, 900 B`, 60 - i), frequent: true }));
      if (at % 25 === 0) appends.splice(30, 0, event("replication", `elected broker-${at / 25 + 1} leader of orders-0`, 30));
      delta({ events: appends, eventsLeftOut: 1_000 });
    }
    end(id);
  } else if (line === "ten deltas") {
    for (let at = 0; at < 10; at++) { now += 1_000_000; delta(); }
    end(id);
  } else if (created) {
    topics = [...topics, topic(created[1], Array.from({ length: Number(created[2] ?? 1) }, (_, i) => partition(i, [segment(0, 0, 0)])))].sort((a, b) => (a.name < b.name ? -1 : 1));
    if (/[._]/.test(created[1])) print(id, "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid issues it is best to use either, but not both.\n");
    print(id, `Created topic ${created[1]}.\n`);
    delta({ topics: topics.filter((t) => t.name === created[1]), events: [event("metadata", `created topic ${created[1]}`)] });
    end(id);
  } else if (words[0] === "broker") {
    print(id, "blumfeld: broker-4 has a replica of orders-0: move it first (kafka-reassign-partitions.sh), or lose it with --force\n", "err");
    end(id, 1);
  } else if (line === "fault heal 2 4") {
    faults = faults.filter((fault) => fault !== "cut 2 4");
    delta({ faults });
    end(id);
  } else if (words[0] === "kafka-console-producer.sh" || words[0] === "echo-stdin") {
    // Reads lines until Ctrl-D.
  } else if (words[0] === "cat") {
    const file = files.get(words[1]);
    let done = 0;
    running.timer = setInterval(() => {
      done = Math.min(file.size, done + file.size / 20);
      say({ "file-progress": { id, name: file.name, done, total: file.size } });
      if (done >= file.size && !words.includes("slowly")) { clearInterval(running.timer); end(id); }
    }, 60);
  } else if (words[0] === "fail") {
    print(id, "Error while executing topic command : Topic 'orders' already exists.\n", "err");
    print(id, "[2026-11-21 09:00:00,000] ERROR org.apache.kafka.common.errors.TopicExistsException: Topic 'orders' already exists.\n (org.apache.kafka.tools.TopicCommand)\n", "err");
    end(id, 1);
  } else if (line.includes("--describe")) {
    print(id, "Topic: orders\tTopicId: 4nq0vKxVQ1u7mZ2hTq3bWA\tPartitionCount: 3\tReplicationFactor: 1\tConfigs: min.insync.replicas=1,segment.bytes=1048576\n");
    for (let i = 0; i < 3; i++) print(id, `\tTopic: orders\tPartition: ${i}\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: \n`);
    end(id);
  } else if (words[0] === "markup") {
    print(id, `${HOSTILE}\n`);
    end(id);
  } else if (words[0] === "no-newline") {
    print(id, "y".repeat(400_000));
    end(id);
  } else {
    for (const t of topics) print(id, `${t.name}\n`);
    end(id);
  }
}

function complete({ id, line }) {
  const stem = /\S*$/.exec(line)[0];
  const from = line.includes(" ") ? ["--topic", "--topic-id-type", "--create", "--list", "orders", "한글-토픽"] : WORDS;
  say({ completions: { id, words: from.filter((word) => word.startsWith(stem)), stem } });
}

const token = (correlationId, broker, api) => ({
  key: { connection: 7, correlationId, answer: false }, client: 1003, broker, quorum: false, api, version: 12, sent: now - 100,
  state: { travels: now + 100 }, bytes: 120, records: api === "Produce", partitions: [["orders", 1]], partitionsLeftOut: 0, error: "",
});

const exchange = (number, more) => ({
  number, connection: 7, correlationId: number, client: 1001, broker: 1, quorum: false, api: "Produce", version: 13, clientId: "web-checkout", sent: now - 900 * number,
  landed: now - 900 * number + 200, taken: now - 900 * number + 200, ready: now - 900 * number + 500, answered: now - 900 * number + 500, received: now - 900 * number + 700,
  endedAt: now - 900 * number + 700, ending: "answered", requestBytes: 120, answerBytes: 62, records: true, idle: false, partitions: [["orders", 1]], partitionsLeftOut: 0, error: "", ...more,
});
const EXCHANGES = () => [
  exchange(1, { answered: undefined, received: undefined, ready: undefined, endedAt: undefined, ending: "open", answerBytes: 0 }),
  exchange(2),
  exchange(3, { api: "JoinGroup", records: false, partitions: [], client: 1004, error: "MEMBER_ID_REQUIRED" }),
  exchange(4, { landed: undefined, taken: undefined, ready: undefined, answered: undefined, received: undefined, ending: { lost: "dropped" }, answerBytes: 0 }),
];
const CONFIGS = [
  { name: "cleanup.policy", value: "delete", source: "DEFAULT_CONFIG", kind: "LIST", readOnly: false, sensitive: false, synonyms: [{ name: "log.cleanup.policy", value: "delete", source: "DEFAULT_CONFIG" }] },
  { name: "segment.bytes", value: "1048576", source: "DYNAMIC_TOPIC_CONFIG", kind: "INT", readOnly: false, sensitive: false, synonyms: [{ name: "segment.bytes", value: "1048576", source: "DYNAMIC_TOPIC_CONFIG" }, { name: "log.segment.bytes", value: "1073741824", source: "DEFAULT_CONFIG" }] },
  { name: "ssl.key.password", value: undefined, source: "STATIC_BROKER_CONFIG", kind: "PASSWORD", readOnly: true, sensitive: true, synonyms: [] },
];
const SIDE = { fields: '{\n  "acks": -1\n}', head: new Uint8Array([0, 0, 0, 13]), kept: true };

// ── What the page asks ───────────────────────────────────────────────────
const files = new Map();
const ASKED = {
  "boot": (boot) => { ({ cluster, seed } = boot); store.durability = boot.durability ?? "relaxed"; (BOOT[cluster] ?? ready)(); },
  "set-language": () => {},
  "console": run,
  "stdin": ({ id, text }) => { running.lines.push(text); if (text.startsWith("?")) print(id, `got ${text}`); },
  "stdin-closed": ({ id }) => { print(id, running.lines.join("")); end(id); },
  "interrupt": ({ id }) => { clearInterval(running?.timer); end(id, 130); },
  "complete": complete,
  "browse": browse,
  "batch": batch,
  "moment": MOMENT,
  "search": search,
  "download": ({ baseOffset, file }) => say({ download: { name: `${String(baseOffset).padStart(20, "0")}.${file}`, bytes: new Uint8Array([1, 2, 3]) } }),
  "remove-file": ({ name }) => { files.delete(name); say({ "file-removed": { name } }); },
  "set-pace": (to) => {
    if (to !== "paused") resumes = to;
    speed = to.times ?? speed;
    pace = to;
    delta();
  },
  "set-speed": (to) => {
    [speed, resumes] = [to, { times: to }];
    if (pace !== "paused") pace = resumes;
    delta();
  },
  "watch": (on) => on && say({ stage: { now, fresh: true, inFlight: 2, quorum: 0, tokens: [token(1, 1, "Fetch"), token(2, 2, "Produce")], gone: [], ribbons: [] } }),
  "token": ({ correlationId }) => say({ token: { token: token(correlationId, 1, "Fetch"), clientId: "console-consumer", fields: "{}", head: new Uint8Array([0, 1]), ahead: 0 } }),
  "wire": ({ id }) => say({ wire: { id, now, exchanges: EXCHANGES(), matching: 4, newer: 0, hidden: 12, kept: 16, forgotten: 0, apis: ["JoinGroup", "Produce"], nodes: [1, 2, 1001, 1004], begun: 5 } }),
  "exchange": (number) => say({ exchange: { exchange: EXCHANGES()[number - 1], now, request: SIDE, answer: number === 2 ? SIDE : undefined } }),
  "configs": (resource) => say({ configs: { resource, broker: 1, configs: CONFIGS, error: "" } }),
  "set-durability": (to) => { store = { ...store, durability: to }; delta({ store }); },
  "fault": (fault) => {
    const [[word, id]] = Object.entries(fault);
    const up = word === "restart";
    brokers = brokers.map((one) => (one.id === id ? { ...one, up, state: up ? "running" : "crashed", dirtyBytes: 0 } : one));
    faults = [...faults.filter((line) => !line.endsWith(`-cut ${id}`) && line !== `crash ${id}`), ...(up ? [] : [`${word} ${id}`])];
    delta({ brokers, faults, events: [event("fault", up ? "restarted" : "lost power")] });
  },
  "reset": () => { topics = []; ready(); },
  "export": ({ broker: id }) => say({ download: { name: id ? `broker-${id}.tar` : "cluster.tar", bytes: new Uint8Array([1, 2, 3]) } }),
  "open-log-dirs": () => { topics = [topic("from-kafka", [partition(0, [segment(0, 40, 4000)])])]; ready(); },
};

/** What is said of log directories, by the name of what was dropped. */
function logDirs(paths) {
  if (paths[0].startsWith("slow")) return { reading: { done: 25, total: 1_400 } };
  const wrong = Array.from({ length: 30 }, (_, at) => `holiday-${at}.jpg is no file of a log directory of Kafka's.`);
  if (paths[0].startsWith("wrong")) return { wrong: { en: wrong, ko: wrong.map((_, at) => `holiday-${at}.jpg: Kafka 로그 디렉터리의 파일이 아닙니다.`) } };
  return { found: {
    en: ["A whole cluster, opened as it is: brokers 1, 2, 3; 7 topics, 14 partitions, 3,402 records.", `${HEAVY}/00000000000000000000.log: the last 40 bytes are no batches, and recovery cuts them off, as Kafka's does.`],
    ko: ["온전한 클러스터라서 그대로 엽니다. 브로커 1, 2, 3, 토픽 7개, 파티션 14개, 레코드 3402개입니다.", `${HEAVY}/00000000000000000000.log: 마지막 40바이트는 배치가 아니어서 복구할 때 잘라 냅니다. Kafka도 그렇게 합니다.`],
  } };
}

onmessage = ({ data }) => {
  if (data instanceof File) {
    files.set(data.name, data);
    return say({ "file-added": { name: data.name, size: data.size } });
  }
  if (Array.isArray(data)) return say({ "log-dirs": logDirs(data.map(([path]) => path)) });
  if (data === "forget-log-dirs") return say({ "log-dirs": undefined });
  if (data === "take-over") return ready();
  if (data === "step") { now += 137; return delta({ events: [event("log", "stepped")] }); }
  if (data === "flush") return say("flushed");
  const [[name, what]] = Object.entries(data);
  ASKED[name](what);
};

say("hello");
