// The package's index.d.ts: the TypeScript compiler reads it with files that use it, it declares what there is and
// nothing else, and what a cluster gives has the shapes that it says.
import test from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const PACKAGE = process.env.NPM_PACKAGE;
const { Cluster, NotYet, View } = await import(join(PACKAGE, "index.js"));

/** A project with the package installed, and what the compiler says of `sources`. */
async function compile(t, sources, { lib, packages = [] }) {
  const folder = await mkdtemp(join(tmpdir(), "blumfeld-types-"));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "node_modules/@types"), { recursive: true });
  // A copy: a link would be followed, and the compiler would look for others' types beside it.
  await cp(PACKAGE, join(folder, "node_modules/blumfeld"), { recursive: true });
  for (const one of packages) await symlink(here(`node_modules/${one}`), join(folder, "node_modules", one));
  for (const [name, text] of Object.entries(sources)) await writeFile(join(folder, name), text);
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const compilerOptions = { noEmit: true, strict: true, target: "es2022", module: "nodenext", lib, types: [] };
  if (packages.includes("@types/node")) compilerOptions.types.push("node");
  const files = [...Object.keys(sources), "node_modules/blumfeld/index.d.ts"];
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  const tsc = here("node_modules/typescript/bin/tsc");
  return new Promise((resolve) =>
    execFile(process.execPath, [tsc, "--project", ".", "--pretty", "false"], { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, said: stdout + stderr }),
    ),
  );
}

const source = async (name) => ({ [name]: await readFile(here(`types/${name}`), "utf8") });
const BROWSER = { lib: ["es2022", "dom"] };
const USING = { lib: ["es2022", "esnext.disposable", "dom"] };
const NODE = { lib: ["es2022"], packages: ["@types/node", "kafkajs"] };

for (const [what, names, options] of [
  ["a browser's types", ["uses.ts", "browser.ts"], BROWSER],
  ["Node's types and KafkaJS", ["uses.ts", "node.ts"], NODE],
  ["TypeScript's own of what ends with its block", ["uses.ts", "using.ts"], USING],
]) {
  test(`the types are right beside ${what}`, async (t) => {
    const sources = Object.assign({}, ...(await Promise.all(names.map(source))));
    assert.deepEqual(await compile(t, sources, options), { code: 0, said: "" });
  });
}

test("each wrong use is an error of its own", async (t) => {
  const { "uses.ts": text } = await source("uses.ts");
  const wrong = text.match(/^ *\/\/ @ts-expect-error/gm).length;
  const { said } = await compile(t, { "uses.ts": text.replaceAll("@ts-expect-error", "") }, BROWSER);
  const found = new Set(said.match(/^uses\.ts\(\d+/gm));
  assert.ok(wrong > 20 && found.size >= wrong, said);
});

/** Names of what an object and its class have that is not private. */
function members(object) {
  const own = Object.getOwnPropertyNames(object);
  const inherited = Object.getOwnPropertyNames(Object.getPrototypeOf(object));
  return new Set([...own, ...inherited].filter((name) => name !== "constructor"));
}

/** Names that a declaration of index.d.ts has, `statics` for those of the class itself. */
function declared() {
  const path = join(PACKAGE, "index.d.ts");
  const program = ts.createProgram([path], { strict: true, lib: ["lib.es2022.d.ts"], types: [] });
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(path);
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(file));
  const names = (table) => new Set([...(table?.keys() ?? [])].filter((name) => !/^__|^prototype$/.test(name)));
  const found = exported.map(({ name, flags, members, exports }) => {
    const isValue = (flags & ts.SymbolFlags.Value) !== 0;
    return [name, { isValue, members: names(members), statics: names(exports) }];
  });
  return Object.fromEntries(found);
}

test("what is declared is there, and what is there is declared", async (t) => {
  const cluster = await Cluster.start({ brokers: 1 });
  t.after(() => cluster.stop());
  const producer = await cluster.producer();
  const [host, port] = cluster.brokers[0].split(":");
  const socket = cluster.connect({ host, port: Number(port) });
  const late = await cluster.until(() => false, { timeoutMs: 0 }).catch((error) => error);
  assert.ok(late instanceof NotYet);
  const types = declared();
  const { "uses.ts": uses } = await source("uses.ts");
  for (const [name, there] of Object.entries({
    Cluster: members(cluster),
    Producer: members(producer),
    ClusterSocket: members(socket),
    View: members(await cluster.view()),
    On: members(cluster.on()),
    Trigger: members(await cluster.on({ api: "Fetch" }).observe()),
    // Every error has these.
    NotYet: new Set([...members(late)].filter((one) => !["stack", "message"].includes(one))),
  })) {
    // Those that only the package itself calls.
    if (name === "ClusterSocket") there.delete("handle");
    assert.deepEqual([...types[name].members].sort(), [...there].sort(), name);
    for (const one of there) assert.ok(new RegExp(`\\b${one}\\b`).test(uses), `uses.ts does not use ${name}.${one}`);
  }
  const statics = Object.getOwnPropertyNames(Cluster).filter((name) => !["length", "name", "prototype"].includes(name));
  assert.deepEqual([...types.Cluster.statics], statics);
  const values = Object.keys(types).filter((name) => types[name].isValue);
  assert.deepEqual(values.sort(), Object.keys(await import(join(PACKAGE, "index.js"))).sort());
  assert.ok(View);
});

/** A value as TypeScript would write it. */
function literal(value) {
  if (value instanceof Uint8Array) return `new Uint8Array([${value}])`;
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{ ${Object.entries(value).map(([name, of]) => `${JSON.stringify(name)}: ${literal(of)}`).join(", ")} }`;
}

test("what a cluster gives has the shapes that are declared", async (t) => {
  const cluster = await Cluster.start({ brokers: 3, seed: 7 });
  t.after(() => cluster.stop());
  await cluster.createTopic("orders", { replicationFactor: 3, configs: { "min.insync.replicas": 2 } });
  const perf = "kafka-producer-perf-test.sh --topic orders --num-records 3 --record-size 9 --throughput -1 --producer-props bootstrap.servers=localhost:9092";
  await cluster.run(`${perf} --transactional-id t`);
  const producer = await cluster.producer();
  const metadata = await producer.send({ topic: "orders", key: "a", value: "b", headers: { at: "1" } });
  const line = "kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic orders --group billing";
  const consuming = cluster.run(line, { timeoutMs: 20_000 }).catch((error) => error);
  const joined = (view) => view.group("billing")?.members[0]?.partitions.length === 1;
  const { now, events, brokers, topics, groups, transactions, faults } = await cluster.until(joined, {
    describe: "billing has a member with a partition",
  });
  await cluster.fault("latency 1 2 50");
  const broken = (await cluster.view()).faults;
  const output = await cluster.run("kafka-topics.sh --bootstrap-server localhost:9092 --list");
  await cluster.advance(20_000);
  assert.ok((await consuming) instanceof NotYet);
  const given = {
    View: { now, events, brokers, topics, groups, transactions, faults: [...faults, ...broken] },
    "ConsumerRecord[]": await cluster.records("orders"),
    ToolOutput: output,
    RecordMetadata: metadata,
  };
  const orders = topics.find(({ name }) => name === "orders");
  const lists = [broken, transactions, groups[0].members, groups[0].offsets, orders.partitions[0].segments];
  assert.ok(lists.every(({ length }) => length > 0), "an empty list would have any shape");
  // A literal of an object must have every property of its type, and no other.
  const data = `type Data<T> = T extends View ? { [K in keyof T as T[K] extends Function ? never : K]: T[K] } : T;`;
  const constant = ([type, value], at) => `export const v${at}: Data<${type}> = ${literal(value)};`;
  const lines = Object.entries(given).map(constant);
  const imported = `import type { ConsumerRecord, RecordMetadata, ToolOutput, View } from "blumfeld";`;
  const text = [imported, data, ...lines].join("\n");
  const wrong = [
    ['"isr":', '"isrs":'],
    ['"valueText":', '"text":'],
    ['"state": "running"', '"state": "walking"'],
    ['"exit": 0', '"exit": "0"'],
  ];
  for (const [from] of wrong) assert.ok(text.includes(from), from);
  const others = wrong.map(([from, to], at) => [`wrong${at}.ts`, text.replace(from, to)]);
  const { said } = await compile(t, { "given.ts": text, ...Object.fromEntries(others) }, BROWSER);
  const bad = said.match(/^\w+\.ts(?=\()/gm) ?? [];
  assert.deepEqual([...new Set(bad)].sort(), others.map(([name]) => name), said);
});

test("no lock file names where its packages came from", async () => {
  const root = here("../..");
  const ignored = new Set(["node_modules", "target", "dist", ".git"]);
  const locks = [];
  const look = async (folder) => {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.isDirectory() && !ignored.has(entry.name)) await look(join(folder, entry.name));
      else if (entry.name === "package-lock.json") locks.push(join(folder, entry.name));
    }
  };
  await look(root);
  assert.ok(locks.length >= 2, String(locks));
  for (const lock of locks) {
    assert.doesNotMatch(await readFile(lock, "utf8"), /"resolved": "https?:/, lock);
    const settings = await readFile(lock.replace("package-lock.json", ".npmrc"), "utf8");
    assert.match(settings, /^omit-lockfile-registry-resolved=true$/m, lock);
  }
});
