/** What a cluster is made of. */
export interface ClusterOptions {
  /** How many brokers, 1 to 9 (3). Up to five of them are controllers too. */
  brokers?: number;
  /** The seed of every random choice, a whole number from 0 to 2^53 (1). */
  seed?: number;
  /** The brokers' wall clock at the beginning, in milliseconds since 1970-01-01 UTC (now). */
  epoch?: number;
  /** Where the engine runs: a worker of `blumfeld/worker`. Without one it shares this thread. */
  worker?: Worker;
}

/** A connection to a broker: of `node:net`'s Socket what Kafka clients use. */
export interface ClusterSocket {
  readonly connecting: boolean;
  readonly destroyed: boolean;
  readonly remoteAddress: string;
  readonly remotePort: number;
  on(event: "connect" | "end" | "timeout", listener: () => void): this;
  on(event: "data", listener: (bytes: Uint8Array) => void): this;
  on(event: "error", listener: (error: Error & { code?: string }) => void): this;
  on(event: "close", listener: (hadError: boolean) => void): this;
  write(bytes: Uint8Array, encoding?: string, done?: () => void): boolean;
  end(bytes?: Uint8Array): this;
  destroy(): this;
}

/** A partition that a partitioner can choose. */
export interface PartitionInfo {
  partition: number;
  /** Its leader's id, -1 for none. */
  leader: number;
  /** Whether it has a leader. */
  available: boolean;
}

/**
 * Chooses the partition of a record that names none, once a record. Key and value are bytes, null if absent. It is called in
 * the middle of the engine's work: what it asks of its own cluster is done after it has returned.
 *
 * What it throws fails the record, and so does anything but a whole number from 0 on; both are errors of the name
 * `PartitionerError`. A number that the topic does not have is taken, as in Kafka: the record waits for the partition
 * until `delivery.timeout.ms`.
 *
 * A seed does not repeat what it does: where it draws at random or looks at a clock, two runs of one seed differ.
 */
export type Partitioner = (
  topic: string,
  key: Uint8Array | null,
  value: Uint8Array | null,
  partitions: PartitionInfo[],
) => number;

/** Settings of a producer by Kafka's names (`acks`, `"linger.ms"`, …); those that it does not know are passed over. */
export interface ProducerOptions {
  /**
   * Kafka's own (`default`, `round-robin`, `uniform-sticky`, or a class as in `partitioner.class`), a function, or the URL of a
   * module whose default export is one. A function cannot go to a worker; the URL can, and the worker imports it. A relative
   * URL is the page's.
   */
  partitioner?: "default" | "round-robin" | "uniform-sticky" | Partitioner | string | URL;
  [setting: string]: string | number | boolean | Partitioner | URL | undefined;
}

/** A record to be produced (ProducerRecord). */
export interface ProducerRecord {
  topic: string;
  key?: string | Uint8Array | null;
  value?: string | Uint8Array | null;
  headers?: Record<string, string | Uint8Array | null> | Iterable<[string | Uint8Array, string | Uint8Array | null]>;
  /** Without it the partitioner chooses. */
  partition?: number | null;
  /** Milliseconds since 1970-01-01 UTC; without it now, by the cluster's clock. */
  timestamp?: number | null;
}

/** Where a record stands. */
export interface RecordMetadata {
  topic: string;
  partition: number;
  /** -1 with `acks: 0`. */
  offset: number;
  /** Milliseconds since 1970-01-01 UTC. */
  timestamp: number;
  /** In bytes, -1 for none. */
  serializedKeySize: number;
  /** In bytes, -1 for none. */
  serializedValueSize: number;
}

/** An error of a producer. */
export interface KafkaError extends Error {
  /** Java's class without its package: `TimeoutException`, `ConfigException`; `PartitionerError` of a partitioner. */
  name: string;
  /** Kafka's name for its code, where it has one: `REQUEST_TIMED_OUT`. */
  code?: string;
}

/** A Kafka producer, which runs in the engine: what waits in it waits in virtual time. */
export interface Producer {
  /**
   * Sends a record; the promise is kept when it is acknowledged, and fails with a {@link KafkaError} when it is given up.
   * Records are taken one after the other, as by a thread that calls Java's `send`: where one waits for its topic or for
   * `buffer.memory`, so do those behind it.
   */
  send(record: ProducerRecord): Promise<RecordMetadata>;
  /** Sends without lingering what was given to `send` before, and waits until it is acknowledged or given up. */
  flush(): Promise<void>;
  /** The same, and ends the producer. */
  close(): Promise<void>;
}

/** A Kafka cluster. Its clock goes as the real one does. */
export class Cluster {
  /** Starts a cluster; it serves when the promise is kept. */
  static start(options?: ClusterOptions): Promise<Cluster>;
  /** Where the brokers listen, as `host:port`: a client's bootstrap servers. */
  readonly brokers: string[];
  /** KafkaJS's `socketFactory`: `new Kafka({ brokers: cluster.brokers, socketFactory: cluster.socketFactory })`. */
  readonly socketFactory: (options: {
    host: string;
    port: number;
    ssl?: unknown;
    onConnect: () => void;
  }) => ClusterSocket;
  /** Opens a connection. `name` is for the trace. */
  connect(options: { host: string; port: number; onConnect?: () => void; name?: string }): ClusterSocket;
  /** Starts a producer. Fails with a {@link KafkaError} if a setting is wrong. */
  producer(options?: ProducerOptions): Promise<Producer>;
  /** Injects a fault, as the console's `fault` does: `crash 2`, `restart 2`, `cut 1 3`, `heal`. Fails if it is none. */
  fault(line: string): Promise<void>;
  /**
   * Adds a broker with an empty disk, as the console's `broker add` does: `id` from 1 to 9, the lowest that is free without
   * it. Kept with where it will listen, before it serves.
   */
  addBroker(options?: { id?: number; rack?: string }): Promise<string>;
  /**
   * Takes a broker away with its disk, once it has ended in order. Fails for a voter of the metadata quorum, and for one that
   * has replicas unless `force` gives them up. Its registration stays, as in Kafka, until it is unregistered.
   */
  removeBroker(id: number, options?: { force?: boolean }): Promise<void>;
  /** Lets virtual time go on by so many milliseconds at once. */
  advance(ms: number): Promise<void>;
  /** Virtual milliseconds since the start. */
  now(): Promise<number>;
  /** What became true since the last call, a line each. */
  trace(): Promise<string[]>;
  /** Ends it. Connections are not told. */
  stop(): void;
}
