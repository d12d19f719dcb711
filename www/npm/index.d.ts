/** What a cluster is made of. */
export interface ClusterOptions {
  /** How many brokers, 1 to 9 (3). Up to five of them are controllers too. */
  brokers?: number;
  /** The seed of every random choice, a whole number from 0 to 2^53 (1). */
  seed?: number;
  /** The brokers' wall clock at the beginning, in milliseconds since 1970-01-01 UTC (now). */
  epoch?: number;
  /** Where the engine runs: a worker of `barnabas/worker`. Without one it shares this thread. */
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
  /** Injects a fault, as the console's `fault` does: `crash 2`, `restart 2`, `cut 1 3`, `heal`. Fails if it is none. */
  fault(line: string): Promise<void>;
  /** Lets virtual time go on by so many milliseconds at once. */
  advance(ms: number): Promise<void>;
  /** Virtual milliseconds since the start. */
  now(): Promise<number>;
  /** What became true since the last call, a line each. */
  trace(): Promise<string[]>;
  /** Ends it. Connections are not told. */
  stop(): void;
}
