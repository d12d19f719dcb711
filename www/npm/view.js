// How a cluster stands, and the error of what did not come.

const list = (parts) => (parts.length === 0 ? "none" : parts.join(", "));
// So many partitions are told in an error; the others are counted.
const TOLD = 20;

export class View {
  /** A state as the engine gives it; see index.d.ts. */
  constructor({ now, events, brokers, topics, groups, transactions, faults }) {
    this.now = now;
    this.events = events;
    this.brokers = brokers;
    this.topics = topics.map(({ configs, ...topic }) => ({ ...topic, configs: Object.fromEntries(configs) }));
    this.groups = groups.map((group) => ({
      ...group,
      members: group.members.map(({ partitions, ...member }) => ({
        ...member,
        partitions: partitions.map(([topic, partition]) => ({ topic, partition })),
      })),
    }));
    this.transactions = transactions;
    this.faults = faults;
  }

  broker(id) {
    return this.brokers.find((broker) => broker.id === id);
  }

  topic(name) {
    return this.topics.find((topic) => topic.name === name);
  }

  partition(topic, partition) {
    return this.topic(topic)?.partitions.find((one) => one.partition === partition);
  }

  leader(topic, partition) {
    const leader = this.partition(topic, partition)?.leader;
    return leader >= 0 ? leader : undefined;
  }

  group(id) {
    return this.groups.find((group) => group.id === id);
  }

  committed(group, topic, partition) {
    const found = this.group(group)?.offsets.find((one) => one.topic === topic && one.partition === partition);
    return found?.committed >= 0 ? found.committed : undefined;
  }

  lag(group) {
    const behind = (this.group(group)?.offsets ?? []).map(({ topic, partition, committed, highWatermark }) => {
      if (highWatermark < 0) return undefined;
      if (committed >= 0) return Math.max(0, highWatermark - committed);
      // Where nothing can be read, nothing will be committed.
      return this.partition(topic, partition)?.logStart === highWatermark ? 0 : undefined;
    });
    // A group that has nothing yet is not one that has read everything.
    if (behind.length === 0 || behind.includes(undefined)) return undefined;
    return behind.reduce((sum, one) => sum + one);
  }

  inSync(topic) {
    const runs = (id) => this.broker(id)?.state === "running";
    const synced = ({ leader, replicas, isr }) => runs(leader) && replicas.every((id) => isr.includes(id) && runs(id));
    return this.topic(topic)?.partitions.every(synced) ?? false;
  }

  controller() {
    return this.brokers.find((broker) => broker.controller)?.id;
  }

  /** The state in a few sentences. */
  toString() {
    const brokers = this.brokers.map(({ id, state }) => `${id} ${state}`);
    const partitions = this.topics
      .filter((topic) => !topic.internal)
      .flatMap(({ name, partitions }) =>
        partitions.map(
          ({ partition, leader, isr, logEnd }) =>
            `${name}-${partition} leader ${leader} ISR [${isr.join(", ")}] end ${logEnd}`,
        ),
      );
    if (partitions.length > TOLD) partitions.push(`and ${partitions.splice(TOLD).length} more`);
    const groups = this.groups.map(({ id, state }) => `${id} ${state}`);
    const parts = { Brokers: brokers, Partitions: partitions, Groups: groups, Faults: this.faults };
    return Object.entries(parts)
      .map(([name, told]) => `${name}: ${list(told)}.`)
      .join(" ");
  }
}

export class NotYet extends Error {
  name = "NotYet";

  /** `what` did not come within so many virtual milliseconds; the cluster stands as `view` says. */
  constructor(what, ms, view) {
    super(`after ${ms / 1000} s it is still not so that ${what}. ${view}`);
    this.view = view;
  }
}

/** Records as the engine gives them, with their topic and texts. */
export function records(topic, found) {
  const decoder = new TextDecoder();
  const text = (bytes) => (bytes === null ? null : decoder.decode(bytes));
  return found.map(({ key, value, ...record }) => ({
    topic,
    ...record,
    key,
    value,
    keyText: text(key),
    valueText: text(value),
  }));
}
