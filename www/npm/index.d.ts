/** What a cluster is made of. */
export interface ClusterOptions {
  /** How many brokers, a whole number from 1 to 9 (3). Up to five of them are controllers too. */
  brokers?: number;
  /** The seed of every random choice, a whole number from 0 to 2^53 - 1 (1). */
  seed?: number;
  /** The brokers' wall clock at the beginning, in whole milliseconds since 1970-01-01 UTC, to the year 9999 (now). */
  epoch?: number;
  /** Where the engine runs: a web worker of `blumfeld/worker`, a module. Without one it shares this thread. */
  worker?: EngineWorker;
}

/** Of a browser's `Worker` what the engine in it needs. */
export interface EngineWorker {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  terminate(): void;
  onmessage: unknown;
  onerror: unknown;
}

/** What listeners of a {@link ClusterSocket} are called with. */
export interface ClusterSocketEvents {
  connect: [];
  data: [bytes: Uint8Array];
  end: [];
  /** `code` is Node's: `ECONNREFUSED`, `ECONNRESET`, `EHOSTUNREACH`. The first two come after `stop()` too. */
  error: [error: Error & { code?: string }];
  close: [hadError: boolean];
  /** Never: nobody is so slow that the cluster would say so. */
  timeout: [];
}

/** A connection to a broker: of `node:net`'s Socket what Kafka clients use. */
export interface ClusterSocket {
  readonly connecting: boolean;
  readonly destroyed: boolean;
  readonly remoteAddress: string;
  readonly remotePort: number;
  on<E extends keyof ClusterSocketEvents>(event: E, listener: (...args: ClusterSocketEvents[E]) => void): this;
  addListener<E extends keyof ClusterSocketEvents>(event: E, listener: (...args: ClusterSocketEvents[E]) => void): this;
  once<E extends keyof ClusterSocketEvents>(event: E, listener: (...args: ClusterSocketEvents[E]) => void): this;
  off<E extends keyof ClusterSocketEvents>(event: E, listener: (...args: ClusterSocketEvents[E]) => void): this;
  removeListener<E extends keyof ClusterSocketEvents>(
    event: E,
    listener: (...args: ClusterSocketEvents[E]) => void,
  ): this;
  removeAllListeners(event?: keyof ClusterSocketEvents): this;
  /** Calls the listeners of an event; gives whether there are any. */
  emit<E extends keyof ClusterSocketEvents>(event: E, ...args: ClusterSocketEvents[E]): boolean;
  /** Sends bytes, and gives whether the connection took them. Throws a TypeError for anything but bytes. */
  write(bytes: Uint8Array, done?: () => void): boolean;
  write(bytes: Uint8Array, encoding?: string, done?: () => void): boolean;
  end(bytes?: Uint8Array): this;
  destroy(): this;
  /** These do nothing: no connection inside of a cluster needs them. */
  setKeepAlive(...args: unknown[]): this;
  setNoDelay(...args: unknown[]): this;
  setTimeout(...args: unknown[]): this;
  ref(): this;
  unref(): this;
  pause(): this;
  resume(): this;
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
 * Chooses the partition of a record that names none, once a record. Key and value are bytes, null if absent. It is
 * called in the middle of the engine's work: what it asks of its own cluster is done after it has returned.
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
   * Kafka's own (`default`, `round-robin`, `uniform-sticky`, or a class as in `partitioner.class`), a function, or the
   * URL of a module whose default export is one. A function cannot go to a worker; the URL can, and the worker imports
   * it. A relative URL is the page's.
   */
  partitioner?: "default" | "round-robin" | "uniform-sticky" | Partitioner | string | URL;
  [setting: string]: string | number | boolean | Partitioner | URL | undefined;
}

/** A record to be produced (ProducerRecord). A field that is none of these fails it with a TypeError. */
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
   * Sends a record; the promise is kept when it is acknowledged, and fails with a {@link KafkaError} when it is given
   * up. Records are taken one after the other, as by a thread that calls Java's `send`: where one waits for its topic
   * or for `buffer.memory`, so do those behind it.
   */
  send(record: ProducerRecord): Promise<RecordMetadata>;
  /** Sends without lingering what was given to `send` before, and waits until it is acknowledged or given up. */
  flush(): Promise<void>;
  /** The same, and ends the producer. */
  close(): Promise<void>;
}

/** A broker. */
export interface BrokerView {
  /** Its `node.id`. */
  id: number;
  /** Where clients find it: `localhost:9092`. */
  address: string;
  /** Whether its process runs. */
  up: boolean;
  /** Where it is in its life. Only one that is `running` serves clients. */
  state: "starting" | "recovery" | "running" | "fenced" | "paused" | "shutting-down" | "crashed";
  /** Its part in the metadata quorum. */
  quorum: "leader" | "voter" | "observer";
  /** `broker.rack`; empty for none. */
  rack: string;
  /** Whether it leads the metadata quorum. */
  controller: boolean;
  /** Epoch of the metadata quorum, -1 while the broker is down. */
  controllerEpoch: number;
  /** Connections that stand. */
  connections: number;
  /** Bytes of its page cache that are not yet durable. */
  dirtyBytes: number;
  /** Bytes in its page cache. */
  cachedBytes: number;
  /** Bytes that its page cache may hold. */
  cacheSize: number;
  /** Reads that found all their bytes in the page cache. */
  cacheHits: number;
  /** Reads that waited for the disk. */
  cacheMisses: number;
  /** Bytes that the disk read for them. */
  cacheBytesRead: number;
  /** Bytes of all its files. */
  diskBytes: number;
  /** Requests answered since it started. */
  requests: number;
  /** Records appended since it started. */
  recordsIn: number;
  /** Records handed to consumers since it started. */
  recordsOut: number;
  /** Its log cleaner. */
  cleaner: CleanerView;
}

/** The log cleaner of a broker. */
export interface CleanerView {
  /** The pass under way. */
  running?: CleanerPassView | null;
  /** The last pass that came to its end. */
  last?: CleanerPassView | null;
  /** Partitions that could not be cleaned, as `orders-0`: they are left alone until the broker starts anew. */
  uncleanable: string[];
}

/** A pass of a log cleaner. */
export interface CleanerPassView {
  topic: string;
  partition: number;
  phase: "indexing" | "cleaning" | "flushing" | "done";
  /** Where the dirty part begins. */
  firstDirty: number;
  /** What is at or above cannot be cleaned yet. */
  firstUncleanable: number;
  /** Up to where the offset map knows every key. */
  mappedTo: number;
  /** Keys in the offset map, and for how many it has room. */
  mapKeys: number;
  mapCapacity: number;
  /** Bytes that it is to read to clean, that it has read and that it has written. */
  totalBytes: number;
  bytesRead: number;
  bytesWritten: number;
  /** Records that stayed, and why others went. */
  kept: number;
  superseded: number;
  tombstones: number;
  aborted: number;
  markers: number;
}

/** A topic. */
export interface TopicView {
  name: string;
  /** Its id, as Kafka writes it: 22 characters of base64. */
  id: string;
  /** Whether Kafka itself made it. */
  internal: boolean;
  /** Replicas of each partition. */
  replicationFactor: number;
  /** Configs that were set on the topic, by name. */
  configs: Record<string, string>;
  /** Its partitions, by number. */
  partitions: PartitionView[];
}

/** A partition as its leader sees it; while that is down, as the replica does that has most of it. */
export interface PartitionView {
  /** Its number, from 0 on. */
  partition: number;
  /** The leader's `node.id`, -1 for none. */
  leader: number;
  leaderEpoch: number;
  /** Replicas by `node.id`, the preferred leader first. */
  replicas: number[];
  /**
   * Those in sync, as Kafka has it: after a crash a replica stays here until the controller gives its broker up, 9 s
   * later. So this is still full at once after a crash; {@link View.inSync} looks at the brokers too.
   */
  isr: number[];
  /** Those out of sync that have everything up to the high watermark (eligible leader replicas). */
  elr: number[];
  /** Each replica as its own broker knows it, in the order of `replicas`. */
  copies: ReplicaView[];
  /** First offset that can be read. */
  logStart: number;
  /** Consumers read up to here. */
  highWatermark: number;
  /** Consumers with `isolation.level=read_committed` read up to here: the last stable offset. */
  lastStable: number;
  /** The next record gets this offset. */
  logEnd: number;
  /** First offset that a power cut could take away. */
  durableOffset: number;
  /** Bytes of all its batches. */
  size: number;
  /** Its segments, oldest first; the last is the active one. */
  segments: SegmentView[];
  /** Transactions that are open in it, by their first offsets. */
  openTransactions: { producerId: number; producerEpoch: number; firstOffset: number }[];
  /** The last 50 transactions in it that were aborted; `lastOffset` is that of the marker. */
  abortedTransactions: { producerId: number; firstOffset: number; lastOffset: number }[];
}

/** A replica as its own broker knows it. */
export interface ReplicaView {
  /** Its broker's `node.id`. */
  broker: number;
  /** Whether its broker's process runs and has loaded it. */
  online: boolean;
  /** Log end offset, -1 if it is not online. */
  logEnd: number;
  /** The high watermark that it knows of, -1 if it is not online. */
  highWatermark: number;
  /** Up to where its broker has compacted it, -1 if it never has. */
  cleanedTo: number;
}

/** A segment of a log. */
export interface SegmentView {
  /** Its name: the offset it was made for. */
  baseOffset: number;
  /** The offset after its last record. */
  nextOffset: number;
  /** Bytes of its `.log`. */
  size: number;
  /** Bytes of its `.log` that a power cut leaves. */
  durable: number;
  /** Bytes of its `.log` in the page cache. */
  cached: number;
  /** First offset of it that a power cut could take away. */
  durableOffset: number;
  /** Entries of its `.index`. */
  indexEntries: number;
  /** Entries of its `.timeindex`. */
  timeIndexEntries: number;
  /** Largest timestamp in it, milliseconds since 1970-01-01 UTC, -1 if it is empty. */
  maxTimestamp: number;
}

/** A consumer group as its coordinator knows it. */
export interface GroupView {
  /** `group.id`. */
  id: string;
  state: "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable" | "Dead";
  /** One more with every rebalance. */
  generation: number;
  /** The assignor that its members agreed on; empty for none. */
  protocol: string;
  /** The `node.id` of the broker that coordinates it. */
  coordinator: number;
  /** Its members by their ids. */
  members: GroupMemberView[];
  /** Partitions with a committed offset or an owner, by topic and number. */
  offsets: GroupOffsetView[];
}

/** A member of a group. */
export interface GroupMemberView {
  /** Its member id. */
  id: string;
  /** `client.id`. */
  clientId: string;
  /** `group.instance.id`; empty for a dynamic member. */
  instance: string;
  /** Where it connected from. */
  host: string;
  /** Whether it computes the assignment. */
  leader: boolean;
  /** Whether it has joined the rebalance under way, and waits for the others. */
  joined: boolean;
  /** Partitions assigned to it. */
  partitions: { topic: string; partition: number }[];
}

/** A partition that a group reads. */
export interface GroupOffsetView {
  topic: string;
  partition: number;
  /** The offset that the group goes on at, -1 if it has committed none. */
  committed: number;
  /** The partition's high watermark, -1 if it is not known. */
  highWatermark: number;
  /** The id of the member that it is assigned to; empty for none. */
  owner: string;
}

/** A transactional id as its coordinator knows it. */
export interface TransactionView {
  /** `transactional.id`. */
  id: string;
  state:
    | "Empty"
    | "Ongoing"
    | "PrepareCommit"
    | "PrepareAbort"
    | "CompleteCommit"
    | "CompleteAbort"
    | "Dead"
    | "PrepareEpochFence";
  /** The `node.id` of the broker that coordinates it. */
  coordinator: number;
  producerId: number;
  /** The epoch of the producer that may write, -1 for none yet. */
  producerEpoch: number;
  /** `transaction.timeout.ms`. */
  timeoutMs: number;
  /** When the transaction began, in milliseconds since 1970-01-01 UTC, -1 without one. */
  startMs: number;
  /** When its state last changed, in milliseconds since 1970-01-01 UTC. */
  lastUpdateMs: number;
  /** The partitions of the transaction, and whether each has its marker, once the end is decided. */
  partitions: { topic: string; partition: number; marked: boolean }[];
}

/** How a cluster stands at one moment. It does not change; it is a copy, and its reader's own. */
export class View {
  private constructor();
  /** Virtual milliseconds since the cluster's start. */
  readonly now: number;
  /** Events that the cluster has handled: two views of one cluster with the same number are of the same state. */
  readonly events: number;
  /** Brokers by id, those included that are down. */
  readonly brokers: BrokerView[];
  /** Topics by name, those of Kafka's own included. While no broker runs nobody knows them, and there are none. */
  readonly topics: TopicView[];
  /** Consumer groups by id. */
  readonly groups: GroupView[];
  /** Transactional ids by id. */
  readonly transactions: TransactionView[];
  /** Faults in force, each as {@link Cluster.fault} takes it. */
  readonly faults: string[];
  /** The broker of an id. */
  broker(id: number): BrokerView | undefined;
  /** The topic of a name. */
  topic(name: string): TopicView | undefined;
  /** A partition. */
  partition(topic: string, partition: number): PartitionView | undefined;
  /** The `node.id` of a partition's leader; undefined while it has none. */
  leader(topic: string, partition: number): number | undefined;
  /** The consumer group of an id. */
  group(id: string): GroupView | undefined;
  /** The offset that a group has committed for a partition; undefined if it has committed none. */
  committed(group: string, topic: string, partition: number): number | undefined;
  /**
   * How many records a group has still to commit: high watermark less committed offset, over all partitions that it has
   * committed or owns. Undefined if it has none of them, and while it has committed nothing of one that has records.
   */
  lag(group: string): number | undefined;
  /**
   * Whether there is the topic, and every partition of it has a leader, and every replica is in the ISR, and all their
   * brokers are running. {@link PartitionView.isr} alone is still full just after a crash.
   */
  inSync(topic: string): boolean;
  /** The `node.id` of the broker that leads the metadata quorum; undefined while there is none. */
  controller(): number | undefined;
  /** The state in a few sentences, as a {@link NotYet} has them: brokers, leaders and ISRs, groups, faults. */
  toString(): string;
}

/** What was waited for did not come. The message says what, and how the cluster stands. */
export class NotYet extends Error {
  private constructor();
  name: "NotYet";
  /** How the cluster stood when time was over. */
  readonly view: View;
}

/** How {@link Cluster.until} waits. */
export interface UntilOptions {
  /**
   * What is to be so, in words for the error: "orders-0 has another leader". Without it the error has the function's
   * text.
   */
  describe?: string;
  /**
   * The bound, in virtual milliseconds, 0 to 10000000000 (30000). They are the real ones as long as the machine keeps
   * pace; on one that is too slow the cluster gets its time nevertheless, and after `advance` they are over sooner.
   * Give a test runner's own bound more than this (Vitest's and Jest's are 5 s), or it ends the test before the error
   * can say what was not so.
   */
  timeoutMs?: number;
  /**
   * Lets virtual time go on at once while it waits, as {@link Cluster.advance} does, and looks every 10 ms of it
   * (false): an election that takes 9 s is over in a moment. Timers of clients outside, as KafkaJS has them, do not
   * come along, and they fall behind: a member of a group whose session is shorter than the time that passes will be
   * thrown out. Use it for what the cluster does by itself, not for what such a client is to do.
   */
  advance?: boolean;
}

/** Which records are read. */
export interface RecordsOptions {
  /** Of this partition; of all without it. */
  partition?: number;
  /** From this offset of each partition on (0). Where the log begins later, from there. */
  from?: number;
  /** So many at most, over all partitions (all). */
  limit?: number;
}

/** A record that stands in a topic, and that consumers can read. */
export interface ConsumerRecord {
  topic: string;
  partition: number;
  offset: number;
  /** Milliseconds since 1970-01-01 UTC. */
  timestamp: number;
  /** Null if it has none. */
  key: Uint8Array | null;
  /** Null for a tombstone. */
  value: Uint8Array | null;
  /** The key as text. What is not UTF-8 is replaced, by U+FFFD. */
  keyText: string | null;
  /** The value as text, the same way. */
  valueText: string | null;
  /** In order, with duplicates. */
  headers: [name: string, value: Uint8Array | null][];
}

/** How a console tool is run. */
export interface RunOptions {
  /** All of its standard input, a text or bytes (none). */
  stdin?: string | Uint8Array;
  /** What it may take, in virtual milliseconds, 0 to 10000000000 (30000). Then it is killed. */
  timeoutMs?: number;
}

/** What a console tool wrote, and how it ended. */
export interface ToolOutput {
  stdout: string;
  stderr: string;
  /** Its exit code, 0 if it succeeded. */
  exit: number;
}

/** What a topic is to be. */
export interface TopicOptions {
  /** 1 or more (the brokers' `num.partitions`, which is 1). */
  partitions?: number;
  /** From 1 to as many as there are brokers (the brokers' `default.replication.factor`, which is 1). */
  replicationFactor?: number;
  /** Configs by Kafka's names: `{ "min.insync.replicas": 2 }`. */
  configs?: Record<string, string | number | boolean>;
}

/** Kafka's name of an API, or `any`. Any other that Kafka has is right too. */
export type KafkaApi =
  | "any"
  | "Produce" | "Fetch" | "ListOffsets" | "Metadata" | "OffsetCommit" | "OffsetFetch" | "FindCoordinator"
  | "JoinGroup" | "Heartbeat" | "LeaveGroup" | "SyncGroup" | "DescribeGroups" | "ListGroups" | "SaslHandshake"
  | "ApiVersions" | "CreateTopics" | "DeleteTopics" | "DeleteRecords" | "InitProducerId" | "OffsetForLeaderEpoch"
  | "DescribeAcls" | "CreateAcls" | "DeleteAcls" | "DescribeConfigs" | "AlterConfigs" | "AlterReplicaLogDirs"
  | "DescribeLogDirs" | "SaslAuthenticate" | "CreatePartitions" | "CreateDelegationToken" | "RenewDelegationToken"
  | "ExpireDelegationToken" | "DescribeDelegationToken" | "DeleteGroups" | "ElectLeaders" | "IncrementalAlterConfigs"
  | "AlterPartitionReassignments" | "ListPartitionReassignments" | "OffsetDelete" | "DescribeClientQuotas"
  | "AlterClientQuotas" | "DescribeUserScramCredentials" | "AlterUserScramCredentials" | "DescribeQuorum"
  | "UpdateFeatures" | "DescribeCluster" | "DescribeProducers" | "UnregisterBroker" | "DescribeTransactions"
  | "ListTransactions" | "ListConfigResources" | "DescribeTopicPartitions" | "Vote" | "BeginQuorumEpoch"
  | "EndQuorumEpoch" | "AlterPartition" | "Envelope" | "FetchSnapshot" | "BrokerRegistration" | "BrokerHeartbeat"
  | "AllocateProducerIds" | "AddPartitionsToTxn" | "AddOffsetsToTxn" | "EndTxn" | "WriteTxnMarkers"
  | "TxnOffsetCommit"
  | (string & {});

/** Kafka's name of an error code. Any other that Kafka has is right too. */
export type KafkaErrorCode =
  | "UNKNOWN_SERVER_ERROR" | "OFFSET_OUT_OF_RANGE" | "CORRUPT_MESSAGE" | "UNKNOWN_TOPIC_OR_PARTITION"
  | "INVALID_FETCH_SIZE" | "LEADER_NOT_AVAILABLE" | "NOT_LEADER_OR_FOLLOWER" | "REQUEST_TIMED_OUT"
  | "BROKER_NOT_AVAILABLE" | "REPLICA_NOT_AVAILABLE" | "MESSAGE_TOO_LARGE" | "STALE_CONTROLLER_EPOCH"
  | "OFFSET_METADATA_TOO_LARGE" | "NETWORK_EXCEPTION" | "COORDINATOR_LOAD_IN_PROGRESS" | "COORDINATOR_NOT_AVAILABLE"
  | "NOT_COORDINATOR" | "INVALID_TOPIC_EXCEPTION" | "RECORD_LIST_TOO_LARGE" | "NOT_ENOUGH_REPLICAS"
  | "NOT_ENOUGH_REPLICAS_AFTER_APPEND" | "INVALID_REQUIRED_ACKS" | "ILLEGAL_GENERATION"
  | "INCONSISTENT_GROUP_PROTOCOL" | "INVALID_GROUP_ID" | "UNKNOWN_MEMBER_ID" | "INVALID_SESSION_TIMEOUT"
  | "REBALANCE_IN_PROGRESS" | "INVALID_COMMIT_OFFSET_SIZE" | "TOPIC_AUTHORIZATION_FAILED"
  | "GROUP_AUTHORIZATION_FAILED" | "CLUSTER_AUTHORIZATION_FAILED" | "INVALID_TIMESTAMP"
  | "UNSUPPORTED_SASL_MECHANISM" | "ILLEGAL_SASL_STATE" | "UNSUPPORTED_VERSION" | "TOPIC_ALREADY_EXISTS"
  | "INVALID_PARTITIONS" | "INVALID_REPLICATION_FACTOR" | "INVALID_REPLICA_ASSIGNMENT" | "INVALID_CONFIG"
  | "NOT_CONTROLLER" | "INVALID_REQUEST" | "UNSUPPORTED_FOR_MESSAGE_FORMAT" | "POLICY_VIOLATION"
  | "OUT_OF_ORDER_SEQUENCE_NUMBER" | "DUPLICATE_SEQUENCE_NUMBER" | "INVALID_PRODUCER_EPOCH" | "INVALID_TXN_STATE"
  | "INVALID_PRODUCER_ID_MAPPING" | "INVALID_TRANSACTION_TIMEOUT" | "CONCURRENT_TRANSACTIONS"
  | "TRANSACTION_COORDINATOR_FENCED" | "TRANSACTIONAL_ID_AUTHORIZATION_FAILED" | "SECURITY_DISABLED"
  | "OPERATION_NOT_ATTEMPTED" | "KAFKA_STORAGE_ERROR" | "LOG_DIR_NOT_FOUND" | "SASL_AUTHENTICATION_FAILED"
  | "UNKNOWN_PRODUCER_ID" | "REASSIGNMENT_IN_PROGRESS" | "DELEGATION_TOKEN_AUTH_DISABLED"
  | "DELEGATION_TOKEN_NOT_FOUND" | "DELEGATION_TOKEN_OWNER_MISMATCH" | "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED"
  | "DELEGATION_TOKEN_AUTHORIZATION_FAILED" | "DELEGATION_TOKEN_EXPIRED" | "INVALID_PRINCIPAL_TYPE"
  | "NON_EMPTY_GROUP" | "GROUP_ID_NOT_FOUND" | "FETCH_SESSION_ID_NOT_FOUND" | "INVALID_FETCH_SESSION_EPOCH"
  | "LISTENER_NOT_FOUND" | "TOPIC_DELETION_DISABLED" | "FENCED_LEADER_EPOCH" | "UNKNOWN_LEADER_EPOCH"
  | "UNSUPPORTED_COMPRESSION_TYPE" | "STALE_BROKER_EPOCH" | "OFFSET_NOT_AVAILABLE" | "MEMBER_ID_REQUIRED"
  | "PREFERRED_LEADER_NOT_AVAILABLE" | "GROUP_MAX_SIZE_REACHED" | "FENCED_INSTANCE_ID"
  | "ELIGIBLE_LEADERS_NOT_AVAILABLE" | "ELECTION_NOT_NEEDED" | "NO_REASSIGNMENT_IN_PROGRESS"
  | "GROUP_SUBSCRIBED_TO_TOPIC" | "INVALID_RECORD" | "UNSTABLE_OFFSET_COMMIT" | "THROTTLING_QUOTA_EXCEEDED"
  | "PRODUCER_FENCED" | "RESOURCE_NOT_FOUND" | "DUPLICATE_RESOURCE" | "UNACCEPTABLE_CREDENTIAL"
  | "INCONSISTENT_VOTER_SET" | "INVALID_UPDATE_VERSION" | "FEATURE_UPDATE_FAILED"
  | "PRINCIPAL_DESERIALIZATION_FAILURE" | "SNAPSHOT_NOT_FOUND" | "POSITION_OUT_OF_RANGE" | "UNKNOWN_TOPIC_ID"
  | "DUPLICATE_BROKER_REGISTRATION" | "BROKER_ID_NOT_REGISTERED" | "INCONSISTENT_TOPIC_ID"
  | "INCONSISTENT_CLUSTER_ID" | "TRANSACTIONAL_ID_NOT_FOUND" | "FETCH_SESSION_TOPIC_ID_ERROR" | "INELIGIBLE_REPLICA"
  | "NEW_LEADER_ELECTED" | "OFFSET_MOVED_TO_TIERED_STORAGE" | "FENCED_MEMBER_EPOCH" | "UNRELEASED_INSTANCE_ID"
  | "UNSUPPORTED_ASSIGNOR" | "STALE_MEMBER_EPOCH" | "MISMATCHED_ENDPOINT_TYPE" | "UNSUPPORTED_ENDPOINT_TYPE"
  | "UNKNOWN_CONTROLLER_ID" | "UNKNOWN_SUBSCRIPTION_ID" | "TELEMETRY_TOO_LARGE" | "INVALID_REGISTRATION"
  | "TRANSACTION_ABORTABLE" | "INVALID_RECORD_STATE" | "SHARE_SESSION_NOT_FOUND" | "INVALID_SHARE_SESSION_EPOCH"
  | "FENCED_STATE_EPOCH" | "INVALID_VOTER_KEY" | "DUPLICATE_VOTER" | "VOTER_NOT_FOUND"
  | "INVALID_REGULAR_EXPRESSION" | "REBOOTSTRAP_REQUIRED" | "STREAMS_INVALID_TOPOLOGY"
  | "STREAMS_INVALID_TOPOLOGY_EPOCH" | "STREAMS_TOPOLOGY_FENCED" | "SHARE_SESSION_LIMIT_REACHED"
  | (string & {});

/** Which requests a trigger is for. What is not given may be anything. */
export interface Requests {
  /** The API by Kafka's name, as `Produce`; any without it. */
  api?: KafkaApi;
  /** The trigger's name, as `fault off NAME` takes it; one that is free without it. */
  name?: string;
  /** The broker that they come to. */
  broker?: number;
  /** The client's own name for itself (`client.id`). */
  clientId?: string;
  /** The connection, by the number that an {@link ObservedRequest} has. */
  connection?: number;
  /** The request's version. */
  version?: number;
  /** A topic that they name, by its name or id. */
  topic?: string;
  /** A partition that they name: of `topic`, where that is given. */
  partition?: number;
}

/** A request that a trigger has observed. */
export interface ObservedRequest {
  /** When it came to the broker, in microseconds of the cluster's clock. */
  atUs: number;
  broker: number;
  connection: number;
  clientId: string | null;
  /** The API, as `Produce`. */
  api: string;
  version: number;
  /**
   * Its fields by Kafka's names, as Kafka's request log prints them; records are objects with `key` and `value`. A
   * Produce request:
   *
   * ```js
   * { acks: -1, timeoutMs: 30000, transactionalId: null,
   *   topicData: [{ topicId: "Noc5QTLZTH61nwvBBPtjFg",
   *     partitionData: [{ index: 0,
   *       records: [{ offset: 0, timestamp: 1795897189064, key: "customer-7", value: "ramyeon", headers: [] }] }] }] }
   * ```
   */
  request: Record<string, unknown>;
}

/** A trigger that was put in force. It stays until it has had all its requests, or is taken off. */
export interface Trigger {
  readonly name: string;
  /** Takes it off; nothing happens if it is gone already. Fails with what its `while` threw. */
  off(): Promise<void>;
  /**
   * The last requests that it has observed, in their order. They stay when it is taken off, but not after
   * `fault("heal")`. Fails if it does not observe, and with what its `while` threw.
   */
  observed(): Promise<ObservedRequest[]>;
}

/**
 * A trigger that is being put together: which of the requests, and then what happens to them, which puts it in force.
 * Every request is one of the trigger's if it is not said which; that is said once, and a second time throws. Numbers
 * that cannot be throw a RangeError. All that say what happens fail where a word is wrong.
 *
 * A trigger that observes sees every request, in whatever order the triggers were put in force. Of the others the first
 * whose turn it is decides what becomes of a request; one with `do` acts and lets the request go on.
 */
export interface On {
  /** The first one. */
  once(): On;
  /** The first so many, 1 to 1000000000. */
  times(count: number): On;
  /** The one of this number, 1 to 1000000000. */
  nth(number: number): On;
  /** Each so many, 1 to 1000000000: 3 is the third, the sixth and so on (1). */
  every(count?: number): On;
  /** Each with this probability, 0 to 1 in whole hundredths, drawn from the cluster's seed. */
  withProbability(probability: number): On;
  /**
   * Only while this is true of the cluster; asked as in {@link Cluster.until}, so what lasts shorter than a look is
   * missed. If it throws or gives a promise, the trigger is taken off, and its `off` and `observed` fail with that.
   */
  while(isSo: (view: View) => boolean): On;
  /** They are answered with this error, and the broker does not see them: `NOT_LEADER_OR_FOLLOWER`. */
  error(code: KafkaErrorCode): Promise<Trigger>;
  /**
   * The broker gets them so many milliseconds later, up to a year, and so what comes behind them on a connection. With
   * `after` it handles them at once, and their responses leave so much later.
   */
  delay(ms: number, options?: { after?: boolean }): Promise<Trigger>;
  /** The broker gets them twice, one right behind the other; the second response is thrown away. */
  duplicate(): Promise<Trigger>;
  /** They are lost, with all that comes behind them on their connections: no answer comes, and nothing says so. */
  drop(): Promise<Trigger>;
  /** Their connections break before the broker gets them, or with `after` once it has handled them. */
  disconnect(options?: { after?: boolean }): Promise<Trigger>;
  /** They are answered with these fields, by Kafka's names; what is not given has Kafka's default. */
  answer(fields: Record<string, unknown>): Promise<Trigger>;
  /** They go on to the broker, and the last so many are kept, 1 to 100000 (1000). */
  observe(limit?: number): Promise<Trigger>;
  /** A fault is injected when they come, and they go on; in it `here` is the broker that they came to: `crash here`. */
  do(fault: string): Promise<Trigger>;
}

declare global {
  // As TypeScript's own `esnext.disposable` has them, for projects that do not have that.
  interface SymbolConstructor {
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }
}

/** A moment of a session: virtual milliseconds since the start, or behind so many events. */
export type Moment = number | { event: number };

/** A branch of the timeline. Times are virtual milliseconds since the start. */
export interface Branch {
  name: string;
  /** The branch that it forks from, null for the first one. */
  parent: string | null;
  /** Where it forks from it. */
  fork: number;
  /** How far it has come. */
  end: number;
  /** Whether it is the one that goes on. */
  living: boolean;
}

/** What can be gone back to. */
export interface TimelineView {
  /** From when on, in virtual milliseconds since the start. */
  from: number;
  /** What is shown: virtual milliseconds since the start, and the events that were handled. */
  now: number;
  events: number;
  /** Two moments with the same digest came about in the same way. */
  digest: string;
  /** Whether an earlier moment is shown than the end of the living branch. */
  past: boolean;
  branches: Branch[];
  /** Copies that are kept to go back from. */
  checkpoints: number;
  /** About how many bytes they and what was done take, and how many they may. */
  weight: number;
  cap: number;
  /** Branches that were given up for want of room. */
  forgotten: number;
}

/**
 * What was, and what may come. Going back shows an earlier moment: views and records are of then, and time plays what
 * was. Whatever is done there (a fault, a record, a connection) begins a branch; what was the future stays in the one
 * that was left. Clients outside cannot be taken back: once another branch lives than theirs, their sockets end with
 * `ECONNRESET` and a reason that says so, and what producers and tools of the engine were asked fails.
 *
 * What a partitioner of yours does is done again when the past is played: it should depend on its arguments alone.
 *
 * A method fails with an Error that says why: what was before is not kept any more, there is no such branch, a
 * condition cannot be read.
 */
export interface Timeline {
  /** Shows the moment so many milliseconds before what is shown. */
  back(ms: number): Promise<void>;
  /** Shows a moment of the living branch. */
  to(when: Moment): Promise<void>;
  /** Shows the end of the living branch again, which goes on from there. */
  now(): Promise<void>;
  /** From an earlier moment, shows the next one at which a condition is so; see {@link Cluster.until}. */
  until(condition: string): Promise<void>;
  /** Begins a branch where one is, or at a moment; with a seed of `odds` chance has its way as there. */
  branch(name: string, options?: { from?: Moment; seed?: number }): Promise<void>;
  /** Lets another branch live. */
  switch(name: string): Promise<void>;
  rename(name: string, to: string): Promise<void>;
  /** Forgets a branch that does not live and from which none forks. */
  delete(name: string): Promise<void>;
  /** What differs at the end of a branch, a line each: leaders, ISRs, offsets, groups, records. */
  diff(name: string): Promise<string>;
  /** What set a number, and what led to that: `high_watermark orders 0`, `committed billing orders 0`. */
  why(fact: string): Promise<string>;
  /**
   * In how many copies of a moment, each with other random choices, a condition comes true: 200 `seeds` from what is
   * shown, each for `forMs` (30000) of virtual time, unless it is said otherwise. With `since` and `until`: from when on
   * it was sure. This takes the thread until it is done.
   */
  odds(
    condition: string,
    options?: { from?: Moment; forMs?: number; seeds?: number; since?: Moment; until?: Moment },
  ): Promise<string>;
  /** How far it goes back, and the branches. */
  view(): Promise<TimelineView>;
}

/**
 * A Kafka cluster. Its clock goes as the real one does. Promises fail with an Error that says what was wrong, and all
 * that are under way when the cluster is stopped with `the cluster was stopped`.
 *
 * What cannot be is refused before the engine sees it, with the method's name: a value of a wrong type and an option
 * that there is not with a TypeError, a number that is out of its range with a RangeError.
 */
export class Cluster {
  private constructor();
  /** Starts a cluster; it serves when the promise is kept. */
  static start(options?: ClusterOptions): Promise<Cluster>;
  /** Where the brokers listen, as `host:port`: a client's bootstrap servers. */
  readonly brokers: string[];
  /**
   * KafkaJS's `socketFactory`: `new Kafka({ brokers: cluster.brokers, socketFactory: cluster.socketFactory })`. It
   * gives a {@link ClusterSocket}; KafkaJS's types want all of `node:net`'s Socket, of which KafkaJS uses no more
   * than that.
   */
  readonly socketFactory: (options: { host: string; port: number; ssl?: unknown; onConnect: () => void }) => any;
  /** Opens a connection. `name` is for the trace. Once the cluster is stopped, it is refused (`ECONNREFUSED`). */
  connect(options: { host: string; port: number; onConnect?: () => void; name?: string }): ClusterSocket;
  /** How it stands now. Nothing in the cluster notices that it is looked at, here and with the three that follow. */
  view(): Promise<View>;
  /** Its topics by name, as {@link View.topics}. */
  topics(): Promise<TopicView[]>;
  /** Its consumer groups by id, as {@link View.groups}. */
  groups(): Promise<GroupView[]>;
  /**
   * The records of a topic that consumers can read (below the high watermarks), by partition and offset, read where
   * they stand: no consumer, no group, no request. Fails if there is no such topic or partition, and if no broker runs
   * that has a partition's log; with a RangeError for a number that cannot be.
   */
  records(topic: string, options?: RecordsOptions): Promise<ConsumerRecord[]>;
  /**
   * Waits until `isSo` is true of the cluster, and gives how it stood then. It is asked at the beginning and when the
   * cluster has done something, but not of every state: what lasts shorter than some milliseconds can be missed. It
   * runs on the caller's side, with a worker too, and has to answer at once: a promise is refused with a TypeError.
   *
   * To wait for a consumer: `until((view) => view.lag("billing") === 0)`.
   *
   * Fails with a {@link NotYet} when `timeoutMs` are over, at once with what `isSo` throws, and with a RangeError for a
   * bound that is none.
   */
  until(isSo: (view: View) => boolean, options?: UntilOptions): Promise<View>;
  /**
   * The same for a condition in the language of the page's "run until": `until('isr("orders", 0) == [1]')`,
   * `until('state("billing") == "Stable" and lag("billing") == 0')`, `until("saw(NOT_ENOUGH_REPLICAS)")`. It is asked after
   * every event, so nothing is missed, and `saw` counts from the call on. What it can ask are, for a topic and a
   * partition, `leader`, `epoch`, `isr`, `replicas`, `high_watermark`, `log_end` and `log_start`; for a group `state`,
   * `generation`, `members`, `coordinator`, `committed` and `lag`; for a broker `up` and `broker`; and `partitions`,
   * `under_replicated`, `brokers`, `controller`, `topics`, `groups`, `in_flight`, `time` (`time >= 90s`) and `saw`, which takes an
   * error of Kafka's, `error`, or an event (`election`, `isr_change`, `rebalanced`, …).
   *
   * Fails at once with an Error that marks the place if the condition cannot be read.
   */
  until(condition: string, options?: UntilOptions): Promise<View>;
  /**
   * Creates a topic, and waits until every partition has a leader that serves. Fails with Kafka's words, and Java's
   * class as the `name` (`TopicExistsException`), if Kafka refuses it; with a RangeError for numbers that cannot be;
   * with a {@link NotYet} after 30 s of virtual time.
   */
  createTopic(name: string, options?: TopicOptions): Promise<void>;
  /**
   * Runs one of Kafka's console tools inside of the cluster: `kafka-topics.sh --bootstrap-server localhost:9092
   * --list`. Words are quoted as in a shell. A tool that fails is no error here: look at its exit code. Fails if there
   * is no such tool, and with a {@link NotYet} if it does not end in `timeoutMs`: a console consumer does not without
   * `--max-messages`.
   */
  run(line: string, options?: RunOptions): Promise<ToolOutput>;
  /** Starts a producer. Fails with a {@link KafkaError} if a setting is wrong. */
  producer(options?: ProducerOptions): Promise<Producer>;
  /**
   * Injects a fault, or takes one back, as the console's `fault` does. Fails if it is none, or cannot be done now.
   *
   * N is a broker's id; A and B are too, or `client-1`, or `clients` for all. Times are in milliseconds. What is in
   * brackets may be left out. In force are {@link View.faults}.
   *
   * | line | what happens |
   * |---|---|
   * | `crash N` | kill a broker's process; its machine, disk and page cache stay |
   * | `shutdown N` | end a broker in order, with everything flushed |
   * | `power-cut N` | cut a machine's power; what was not flushed is lost |
   * | `restart N` | start a broker that is down; one that is ending in order starts once it has ended |
   * | `pause N [MS]` | let a process stand still, as in a long garbage collection |
   * | `resume N` | let a paused process go on |
   * | `skew N MS` | set a machine's wall clock so much ahead, or behind |
   * | `clock-jump N MS` | let a machine's wall clock jump |
   * | `disk full N [K]` | no space left: flushes fail, all or the next K operations |
   * | `disk fail N [K]` | the device fails: flushes fail, all or the next K operations |
   * | `disk slow N FACTOR` | everything takes the disk so many times as long |
   * | `disk ok N` | the disk works again, at its own speed |
   * | `page-cache N BYTES` | a machine's page cache holds so many bytes; `default` is its own size |
   * | `page-cache N drop` | the page cache forgets what is on the disk: the next reads are cold |
   * | `cut A B` | cut a way through the network; what is sent arrives once it is healed |
   * | `cut-oneway A B` | cut it from A to B only |
   * | `isolate N` | cut a machine off from all others and from all clients |
   * | `latency A B MS [oneway]` | everything takes so much longer on its way |
   * | `jitter A B MS [oneway]` | each message takes up to so much longer |
   * | `bandwidth A B BYTES [oneway]` | a connection carries so many bytes a second |
   * | `drop A B PERCENT [oneway]` | so many messages are lost and sent again: 200 ms later, then 400, … |
   * | `reorder A B MS [oneway]` | each connection is slower by a time of its own, up to so much |
   * | `break A B` | reset every connection between two sides now |
   * | `lose-response N API [K]` | the broker handles a request, and the connection breaks before the response arrives |
   * | `request N API error CODE [K]` | the next request, or the next K, are answered with an error |
   * | `request N API delay MS [K]` | the next request reaches the broker so much later |
   * | `request N API drop [K]` | the connection breaks before the broker gets the next request |
   * | `on API [as NAME] …` | a trigger, as `on` puts one in force |
   * | `disarm NAME` | hold a trigger, so that no request is its |
   * | `arm NAME` | let a held trigger go on |
   * | `off NAME` | take a trigger off |
   * | `heal [A] [B]` | mend the network and take triggers off: all, those of A, or the way from A to B and back |
   *
   * `heal` alone takes off every fault of the network and of requests, and every trigger with what it has observed; the
   * disks, clocks and processes of machines stay as they are.
   */
  fault(line: string): Promise<void>;
  /**
   * Something is to happen when requests come:
   * `await cluster.on({ api: "Produce", topic: "orders" }).once().error("NOT_LEADER_OR_FOLLOWER")`.
   */
  on(requests?: Requests): On;
  /**
   * Adds a broker with an empty disk, as the console's `broker add` does: `id` from 1 to 9, the lowest that is free
   * without it. Kept with where it will listen, before it serves.
   */
  addBroker(options?: { id?: number; rack?: string }): Promise<string>;
  /**
   * Takes a broker away with its disk, once it has ended in order. Fails for a voter of the metadata quorum, and for
   * one that has replicas unless `force` gives them up. Its registration stays, as in Kafka, until it is unregistered.
   */
  removeBroker(id: number, options?: { force?: boolean }): Promise<void>;
  /** Going back in time. */
  readonly timeline: Timeline;
  /**
   * Lets virtual time go on by so many milliseconds at once, 0 to 10000000000. A long span leaves the thread to others
   * every few milliseconds. Calls that come meanwhile wait for its end, in their order; what clients send goes on, and
   * so does an `until` that began before. Timers of clients outside do not come along, as with
   * {@link UntilOptions.advance}.
   */
  advance(ms: number): Promise<void>;
  /** Virtual milliseconds since the start. */
  now(): Promise<number>;
  /** What became true since the last call, a line each. */
  trace(): Promise<string[]>;
  /**
   * Ends it. A moment later every open connection breaks (`ECONNRESET`). A process ends by itself once its clusters are
   * stopped and its clients disconnected. Disconnect the clients first: they try for some seconds to reach a cluster
   * that was stopped.
   */
  stop(): void;
  /** Stops it where `using` ends. */
  [Symbol.dispose](): void;
  /** Stops it where `await using` ends. */
  [Symbol.asyncDispose](): Promise<void>;
}
