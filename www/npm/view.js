// How a cluster stands, and the error of what did not come.

const list = (parts) => (parts.length === 0 ? "none" : parts.join(", "));
// So many partitions are told in an error; the others are counted.
const TOLD = 20;

export class View {
  /** A state as the engine gives it; see index.d.ts. */
  constructor({ now, events, brokers, topics, groups, faults }) {
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
