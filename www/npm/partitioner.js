// A program's own partitioner: a function of the engine's thread, or the module that has it.

// Kafka's own by the names that `workload --partitioner` has.
const KAFKAS = new Map([
  ["default", null],
  ["round-robin", "org.apache.kafka.clients.producer.RoundRobinPartitioner"],
  ["uniform-sticky", "org.apache.kafka.clients.producer.UniformStickyPartitioner"],
]);
const GIVE_A_MODULE =
  "partitioner: a function cannot go to the worker that the engine is in: give the URL of a module whose default export it is";

/** What a producer's `partitioner` is: a class of Kafka's (null for the default), the URL of a module, or a function. */
export function chosen(partitioner, inWorker) {
  if (typeof partitioner === "function") {
    if (inWorker) throw new TypeError(GIVE_A_MODULE);
    return { from: partitioner };
  }
  if (KAFKAS.has(partitioner)) return { class: KAFKAS.get(partitioner) };
  if (typeof partitioner === "string" && partitioner.startsWith("org.apache.kafka.")) return { class: partitioner };
  try {
    return { from: new URL(partitioner, globalThis.document?.baseURI ?? globalThis.location?.href).href };
  } catch {
    const names = [...KAFKAS.keys()].join(", ");
    throw new TypeError(`partitioner: ${text(partitioner)} is no function, no URL of a module, and none of ${names}`);
  }
}

/** The function that `chosen` gave, imported if it was a module's, as the engine calls it: it gives a number or a text. */
export async function load(from) {
  const choose = typeof from === "function" ? from : await imported(from);
  return (topic, key, value, flat) => {
    const partitions = [];
    for (let at = 0; at < flat.length; at += 2) {
      partitions.push({ partition: flat[at], leader: flat[at + 1], available: flat[at + 1] >= 0 });
    }
    let partition;
    try {
      partition = choose(topic, key, value, partitions);
    } catch (error) {
      return text(error);
    }
    // A negative one has words of Kafka's own.
    if (Number.isInteger(partition) && Math.abs(partition) < 2 ** 31) return partition;
    return `it gave ${text(partition)}, which is no partition's number`;
  };
}

async function imported(url) {
  let module;
  try {
    module = await import(/* @vite-ignore */ /* webpackIgnore: true */ url);
  } catch (error) {
    throw new Error(`partitioner: ${url} cannot be imported: ${text(error)}`);
  }
  if (typeof module.default === "function") return module.default;
  throw new TypeError(`partitioner: the default export of ${url} is no function`);
}

/** What can be said of a value, whatever it is. */
export function text(value) {
  try {
    return String(value);
  } catch {
    return `a value of type ${typeof value}`;
  }
}
