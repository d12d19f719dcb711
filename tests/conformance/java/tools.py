"""What Kafka's own command-line tools have to print. The lines are those that Apache Kafka's brokers make them print."""

import json
import re

from scenarios import LONG_AGO, VALUES, check, until

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
# Records of the past are deleted after a minute otherwise: they are older than retention.ms.
KEPT = "--config retention.ms=-1"
PRODUCE_KEYED = "--reader-property parse.key=true --reader-property key.separator=:"


def replicas(t, partitions):
    """Replicas of partitions, each led by the next broker."""
    return [[(first + at) % t.brokers + 1 for at in range(t.brokers)] for first in range(partitions)]


def assignment(lists):
    return ",".join(":".join(map(str, one)) for one in lists)


def made(t, name, partitions, more=""):
    """A topic with its leaders and all replicas in sync, made by kafka-topics.sh."""
    topic, lists = t.topic(name), replicas(t, partitions)
    create = f"kafka-topics.sh --create --topic {topic} --replica-assignment {assignment(lists)} {more}"
    t.prints(create, f"Created topic {topic}.")
    t.comes_to_print(f"kafka-topics.sh --describe --topic {topic}", *described(topic, lists, configs(more)))
    return topic


def configs(options):
    return "".join(f",{one}" for one in re.findall(r"--config (\S+)", options))


def described(topic, lists, more=""):
    """What `--describe` prints of a topic. The default of min.insync.replicas is written down when a cluster is formatted."""
    lines = [
        f"Topic: {topic}\tTopicId: <TOPIC_ID>\tPartitionCount: {len(lists)}\tReplicationFactor: {len(lists[0])}\t"
        f"Configs: min.insync.replicas=1{more}"
    ]
    for number, one in enumerate(lists):
        ids = ",".join(map(str, one))
        lines.append(
            f"\tTopic: {topic}\tPartition: {number}\tLeader: {one[0]}\tReplicas: {ids}\tIsr: {ids}\tElr: \tLastKnownElr: "
        )
    return lines


# ---- topics and configs


def topics_are_created_altered_and_deleted(t):
    topic = made(t, "life", 3, "--config retention.ms=60000")
    check(
        t.run(f"kafka-topics.sh --create --topic {topic} --partitions 3", code=1).splitlines()[0],
        f"Error while executing topic command : Topic '{topic}' already exists.",
    )
    t.prints(f"kafka-topics.sh --create --topic {topic} --partitions 3 --if-not-exists")
    check(topic in t.run("kafka-topics.sh --list").splitlines(), True, "listed")
    lists = replicas(t, 5)
    t.prints(f"kafka-topics.sh --alter --topic {topic} --partitions 5 --replica-assignment {assignment(lists)}")
    t.comes_to_print(f"kafka-topics.sh --describe --topic {topic}", *described(topic, lists, ",retention.ms=60000"))
    t.prints(f"kafka-topics.sh --describe --topic {topic} --under-replicated-partitions")
    t.prints(
        f"kafka-topics.sh --alter --topic {topic} --partitions 4",
        f"Error while executing topic command : The topic {topic} currently has 5 partition(s); 4 would not be an increase.",
        code=1,
    )
    t.prints(
        f"kafka-topics.sh --create --topic {topic}-2 --replication-factor 4",
        "Error while executing topic command : Unable to replicate the partition 4 time(s): The target replication factor of 4 "
        f"cannot be reached because only {t.brokers} broker(s) are registered or some brokers have all their log directories "
        "cordoned.",
        code=1,
    )
    t.prints(f"kafka-topics.sh --delete --topic {topic}")
    until("deleted", lambda: topic not in t.run("kafka-topics.sh --list").splitlines())
    t.prints(
        f"kafka-topics.sh --describe --topic {topic}",
        f"Error while executing topic command : Topic '{topic}' does not exist as expected", code=1,
    )


def configs_are_described_and_altered(t):
    topic = made(t, "configured", 1)
    describe = f"kafka-configs.sh --describe --entity-type topics --entity-name {topic}"
    t.prints(describe, f"Dynamic configs for topic {topic} are:")
    alter = f"kafka-configs.sh --alter --entity-type topics --entity-name {topic}"
    t.prints(
        f"{alter} --add-config cleanup.policy=[compact,delete],segment.bytes=1048576",
        f"Completed updating config for topic {topic}.",
    )
    t.comes_to_print(
        describe, f"Dynamic configs for topic {topic} are:",
        "  cleanup.policy=compact,delete sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:cleanup.policy=compact,delete, "
        "DEFAULT_CONFIG:log.cleanup.policy=delete}",
        "  segment.bytes=1048576 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:segment.bytes=1048576, "
        "DEFAULT_CONFIG:log.segment.bytes=1073741824}",
    )
    t.prints(f"{alter} --delete-config cleanup.policy,segment.bytes", f"Completed updating config for topic {topic}.")
    t.comes_to_print(describe, f"Dynamic configs for topic {topic} are:")
    t.run(f"{alter} --add-config no.such.config=1", code=1)
    check("InvalidConfigurationException: Unknown topic config name: no.such.config" in t.said, True, "refused by name")
    # Something of one broker that nobody else looks at.
    t.prints(
        f"kafka-configs.sh --alter --broker {t.brokers} --add-config log.cleaner.threads=2",
        f"Completed updating config for broker {t.brokers}.",
    )
    t.comes_to_print(
        f"kafka-configs.sh --describe --broker {t.brokers}", f"Dynamic configs for broker {t.brokers} are:",
        "  log.cleaner.threads=2 sensitive=false synonyms={DYNAMIC_BROKER_CONFIG:log.cleaner.threads=2, "
        "DEFAULT_CONFIG:log.cleaner.threads=1}",
    )
    t.prints(
        f"kafka-configs.sh --alter --broker {t.brokers} --delete-config log.cleaner.threads",
        f"Completed updating config for broker {t.brokers}.",
    )


# ---- records


def what_is_produced_is_consumed(t):
    topic = made(t, "lines", 1)
    lines, acks = [], ["0", "1", "all", "1", "all"]
    for number, codec in enumerate(CODECS):
        own = [f"k{number}:{codec} {value}" for value in VALUES[:20]]
        t.run(
            f"kafka-console-producer.sh --topic {topic} --compression-codec {codec} --command-property acks={acks[number]} "
            + PRODUCE_KEYED, stdin="".join(f"{line}\n" for line in own),
        )
        lines += own
        # Of acks=0 nobody is told when they are there.
        t.comes_to_print(f"kafka-get-offsets.sh --topic {topic}", f"{topic}:0:{len(lines)}")
    shown = [line.replace(":", "\t", 1) for line in lines]
    keyed = "--formatter-property print.key=true"
    t.prints(f"kafka-console-consumer.sh --topic {topic} --from-beginning --max-messages {len(lines)} {keyed}", *shown)
    check("Processed a total of 100 messages" in t.said, True, "count")
    # What is committed is not read again.
    group = t.group("lines")
    member = f"kafka-console-consumer.sh --topic {topic} --group {group} {keyed}"
    t.prints(f"{member} --from-beginning --max-messages 60", *shown[:60])
    t.prints(f"{member} --max-messages 40", *shown[60:])
    t.prints(
        f"kafka-console-consumer.sh --topic {topic} --partition 0 --offset 42 --max-messages 2 "
        "--formatter-property print.offset=true --formatter-property print.partition=true",
        *[f"Partition:0\tOffset:{at}\t{lines[at].split(':', 1)[1]}" for at in (42, 43)],
    )


def keys_headers_and_nulls_are_kept(t):
    topic = made(t, "headers", 1)
    t.run(
        f"kafka-console-producer.sh --topic {topic} --reader-property parse.key=true --reader-property parse.headers=true "
        "--reader-property null.marker=NULL",
        stdin="trace:1,trace:2\talice\t사과\nNULL\tbob\tpear\nh:NULL\tNULL\tplum\nNULL\tcarol\tNULL\n",
    )
    everything = " ".join(
        f"--formatter-property print.{what}=true" for what in ("timestamp", "partition", "offset", "headers", "key")
    )
    t.prints(
        f"kafka-console-consumer.sh --topic {topic} --from-beginning --max-messages 4 {everything}",
        "CreateTime:<TIMESTAMP>\tPartition:0\tOffset:0\ttrace:1,trace:2\talice\t사과",
        "CreateTime:<TIMESTAMP>\tPartition:0\tOffset:1\tNO_HEADERS\tbob\tpear",
        "CreateTime:<TIMESTAMP>\tPartition:0\tOffset:2\th:null\tnull\tplum",
        "CreateTime:<TIMESTAMP>\tPartition:0\tOffset:3\tNO_HEADERS\tcarol\tnull",
    )


def offsets_are_found_by_time_and_records_deleted(t):
    topic = made(t, "times", 2, KEPT)
    for partition in (0, 1):
        t.client().produce(
            topic=topic, partition=partition, values=VALUES, acks="all", compression="none", idempotent=True,
            timestamp=LONG_AGO + 1_000 * partition,
        )
    for time, want in [
        ("-1", (100, 100)), ("latest", (100, 100)), ("-2", (0, 0)), ("-3", (99, 99)), (LONG_AGO + 42, (42, 0)),
        (LONG_AGO + 1_042, (None, 42)),
    ]:
        found = [f"{topic}:{partition}:{offset}" for partition, offset in enumerate(want) if offset is not None]
        t.prints(f"kafka-get-offsets.sh --topic {topic} --time {time}", *found)
    t.prints(f"kafka-get-offsets.sh --topic-partitions {topic}:1 --time -2", f"{topic}:1:0")
    cut = t.file("cut.json", json.dumps({"partitions": [{"topic": topic, "partition": 0, "offset": 30}], "version": 1}))
    t.prints(
        f"kafka-delete-records.sh --offset-json-file {cut}", "Executing records delete operation",
        "Records delete operation completed:", f"partition: {topic}-0\tlow_watermark: 30",
    )
    t.prints(f"kafka-get-offsets.sh --topic {topic} --time -2", f"{topic}:0:30", f"{topic}:1:0")
    t.prints(f"kafka-console-consumer.sh --topic {topic} --partition 0 --offset earliest --max-messages 70", *VALUES[30:])
    beyond = t.file("beyond.json", json.dumps({"partitions": [{"topic": topic, "partition": 1, "offset": 101}], "version": 1}))
    t.prints(
        f"kafka-delete-records.sh --offset-json-file {beyond}", "Executing records delete operation",
        "Records delete operation completed:",
        f"partition: {topic}-1\terror: org.apache.kafka.common.errors.OffsetOutOfRangeException: The requested offset is not "
        "within the range of offsets maintained by the server.",
    )


def performance_tests_count_what_they_sent(t):
    topic, records = made(t, "performance", 3), 50_000
    report = t.run(
        f"kafka-producer-perf-test.sh --topic {topic} --num-records {records} --record-size 100 --throughput -1 "
        "--command-property acks=all compression.type=lz4"
    )
    check(report.splitlines()[-1].startswith(f"{records} records sent, "), True, report)
    ends = [int(line.split(":")[2]) for line in t.run(f"kafka-get-offsets.sh --topic {topic}").splitlines()]
    check(sum(ends), records, "log ends")
    group = t.group("performance")
    report = t.run(f"kafka-consumer-perf-test.sh --topic {topic} --num-records {records} --group {group} --hide-header")
    columns = report.strip().split(", ")
    check((columns[2], columns[4]), ("4.7684", str(records)), "MB and records read")
    # The round trip of single records, acknowledged by all.
    report = t.run(f"kafka-e2e-latency.sh --topic {t.topic('latency')} --num-records 100 --producer-acks all --record-size 20")
    check("Avg latency: " in report and "Percentiles: " in report, True, report)


# ---- groups


def groups_are_described_reset_and_deleted(t):
    topic, group = made(t, "grouped", 2, KEPT), t.group("grouped")
    for partition in (0, 1):
        t.client().produce(
            topic=topic, partition=partition, values=VALUES[:20], acks="all", compression="none", idempotent=True,
            timestamp=LONG_AGO,
        )
    consume = f"kafka-console-consumer.sh --topic {topic} --group {group} --from-beginning"
    member = t.background(f"{consume} --command-property client.id=one --command-property auto.commit.interval.ms=100")
    until("records", lambda: len(member.lines) == 40)
    check(sorted(member.lines), sorted(VALUES[:20] * 2), "consumed")
    tool = "kafka-consumer-groups.sh"
    describe = f"{tool} --describe --group {group}"

    def rows(line):
        return [row.split() for row in t.run(line).splitlines() if row]

    header = "GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG CONSUMER-ID HOST CLIENT-ID".split()
    owned = [[group, topic, str(p), "20", "20", "0", "one-<UUID>", "/127.0.0.1", "one"] for p in (0, 1)]
    until("committed", lambda: rows(describe) == [header, *owned])
    check(rows(f"{describe} --members")[1:], [[group, "one-<UUID>", "/127.0.0.1", "one", "2"]], "members")
    found = re.fullmatch(r"\n.*\n(\S+) +127\.0\.0\.1:\d+ +\((\d)\) +(\S+) +(\S+) +(\d)\n", t.run(f"{describe} --state"))
    check(bool(found) and int(found[2]) in range(1, t.brokers + 1), True, "coordinator")
    check(found.group(1, 3, 4, 5), (group, "range", "Stable", "1"), "state")
    check([group, "Stable"] in rows(f"{tool} --list --state"), True, "listed")
    check([group, "Classic", "consumer"] in rows("kafka-groups.sh --list"), True, "listed by kafka-groups.sh")
    check(group in t.run(f"{tool} --list").splitlines(), True, "listed")
    t.prints(
        f"{tool} --delete --group {group}", "", "Error: Deletion of some consumer groups failed:",
        f"* Group '{group}' could not be deleted due to: org.apache.kafka.common.errors.GroupNotEmptyException: The group is "
        "not empty.",
    )
    refused = t.run(f"{tool} --reset-offsets --group {group} --topic {topic} --to-earliest --execute").splitlines()
    check(
        refused[1], f"Error: Assignments can only be reset if the group '{group}' is inactive, but the current state is Stable."
    )
    member.terminate()
    unowned = [row[:6] + ["-", "-", "-"] for row in owned]
    until("empty", lambda: rows(describe) == [header, *unowned])
    check(t.said, f"\nConsumer group '{group}' has no active members.\n", "empty")
    reset = f"{tool} --reset-offsets --group {group} --topic {topic}"

    def resets(options, *offsets):
        got = rows(f"{reset} {options}")[1:]
        check(got, [[group, topic, str(partition), str(offset)] for partition, offset in offsets], options)

    resets("--to-earliest --dry-run", (0, 0), (1, 0))
    check(rows(describe), [header, *unowned], "after a dry run")
    resets("--to-earliest --execute", (0, 0), (1, 0))
    resets("--shift-by 7 --execute", (0, 7), (1, 7))
    resets("--to-datetime 2023-11-14T22:13:20.012+00:00 --execute", (0, 12), (1, 12))
    got = t.run(
        f"{consume} --max-messages 16 --formatter-property print.value=false --formatter-property print.partition=true "
        "--formatter-property print.offset=true"
    )
    wanted = [f"Partition:{partition}\tOffset:{offset}" for partition in (0, 1) for offset in range(12, 20)]
    check(sorted(got.splitlines()), wanted, "after the reset")
    file = t.file("offsets.csv", f"{topic},0,3\n{topic},1,5\n")
    check(rows(f"{tool} --reset-offsets --group {group} --from-file {file} --execute")[1:], [
        [group, topic, "0", "3"], [group, topic, "1", "5"]
    ], "from a file")
    check(
        [row[:6] for row in rows(describe)[1:]],
        [[group, topic, "0", "3", "20", "17"], [group, topic, "1", "5", "20", "15"]], "after the file",
    )
    deleted = rows(f"{tool} --delete-offsets --group {group} --topic {topic}:1")
    check(deleted[-1], [topic, "1", "Successful"], "deleted offsets")
    check([row[:4] for row in rows(describe)[1:]], [[group, topic, "0", "3"]], "what is left")
    t.prints(f"{tool} --delete --group {group}", f"Deletion of requested consumer groups ('{group}') was successful.")
    check(group in t.run(f"{tool} --list").splitlines(), False, "listed after deletion")


# ---- the cluster


def the_cluster_describes_itself(t):
    topic = made(t, "sized", 1)
    t.client().produce(
        topic=topic, partition=0, values=VALUES, acks="all", compression="none", idempotent=True, timestamp=None
    )
    found = re.fullmatch(r"Cluster ID: (\S{22})\n", t.run("kafka-cluster.sh cluster-id"))
    check(bool(found), True, "cluster id")
    brokers = [str(broker) for broker in range(1, t.brokers + 1)]
    ports = [server.split(":")[1] for server in t.gateway.bootstrap.split(",")]
    check(
        [row.split() for row in t.run("kafka-cluster.sh list-endpoints").splitlines()[1:]],
        [[broker, "127.0.0.1", port, "null", "unfenced", "broker"] for broker, port in zip(brokers, ports, strict=True)],
    )
    status = dict(line.split(":", 1) for line in t.run("kafka-metadata-quorum.sh describe --status").splitlines())
    check(status["ClusterId"].strip(), found[1], "cluster id of the quorum")
    check(status["LeaderId"].strip() in brokers, True, "leader")
    check(re.findall(r'"id": (\d)', status["CurrentVoters"]), brokers, "voters")
    rows = [row.split("\t") for row in t.run("kafka-metadata-quorum.sh describe --replication").splitlines()]
    check(rows[0][:4], ["NodeId", "DirectoryId           ", "LogEndOffset", "Lag"], "columns")
    check(sorted(row[0].strip() for row in rows[1:]), brokers, "voters")
    check(sorted(row[-2].strip() for row in rows[1:]), ["Follower"] * (t.brokers - 1) + ["Leader"], "states")
    lines = t.run(f"kafka-log-dirs.sh --describe --topic-list {topic}").splitlines()
    check(lines[:2], [
        "Querying brokers for log directories information",
        f"Received log directory information from brokers {','.join(brokers)}",
    ])
    directories = [(one["broker"], one["logDirs"][0]["partitions"]) for one in json.loads(lines[2])["brokers"]]
    check([broker for broker, _ in directories], list(range(1, t.brokers + 1)), "brokers with directories")
    for _, partitions in directories:
        check([(p["partition"], p["offsetLag"], p["isFuture"]) for p in partitions], [(f"{topic}-0", 0, False)])
    check(len({p["size"] for _, partitions in directories for p in partitions}), 1, "equal replicas")
    # Each broker, and what it serves: what the tool cannot find is marked by it.
    text = t.run("kafka-broker-api-versions.sh")
    check(sorted(re.findall(r"(?m)^\S+ \(id: (\d) rack: \S+ isFenced: \S+\) -> \($", text)), brokers, "brokers")
    check(re.findall(r"(?m)^\tProduce\(0\): \S+ to (\d+) \[usable: (\d+)\],$", text), [("13", "13")] * t.brokers, "Produce")
    features = t.run("kafka-features.sh describe")
    row = r"Feature: metadata.version +SupportedMinVersion: 3.3-IV3 +.*FinalizedVersionLevel: (4.\d-IV\d) "
    levels = re.findall(row, features)
    check(len(levels), 1, features)


def leaders_and_replicas_are_moved(t):
    topic, lists = made(t, "moved", 2), replicas(t, 2)
    election = "kafka-leader-election.sh --election-type preferred"
    t.prints(f"{election} --topic {topic} --partition 0", f"Valid replica already elected for partitions {topic}-0")
    first = lists[0]

    def file(name, ids):
        partitions = [{"topic": topic, "partition": 0, "replicas": ids}]
        return t.file(name, json.dumps({"version": 1, "partitions": partitions}))

    tool = "kafka-reassign-partitions.sh"
    t.client().produce(
        topic=topic, partition=0, values=VALUES, acks="all", compression="none", idempotent=True, timestamp=None
    )
    brokers = ",".join(map(str, range(1, t.brokers + 1)))
    done = [
        "Status of partition reassignment:", f"Reassignment of partition {topic}-0 is completed.", "",
        f"Clearing broker-level throttles on broker{'s' * (t.brokers > 1)} {brokers}",
        f"Clearing topic-level throttles on topic {topic}",
    ]
    # Another order of three, two of them, and three again; of one broker the same one.
    plans = [first] if t.brokers == 1 else [first[::-1], first[:2][::-1], first]
    before = first
    for number, plan in enumerate(plans):
        plan_file = file(f"plan-{number}.json", plan)
        got = t.run(f"{tool} --execute --additional --reassignment-json-file {plan_file}").splitlines()
        check(got[0], "Current partition replica assignment")
        check(json.loads(got[2])["partitions"][0]["replicas"], before, "current replicas")
        check(got[-1], f"Successfully started partition reassignment for {topic}-0")
        t.comes_to_print(f"{tool} --verify --reassignment-json-file {plan_file}", *done)
        before = plan
    until("idle", lambda: topic not in t.run(f"{tool} --list"))
    if t.brokers > 1:
        # The first of three has come back last of all: it leads only after an election.
        t.run(f"{election} --topic {topic} --partition 0")
    t.comes_to_print(f"kafka-topics.sh --describe --topic {topic}", *described(topic, lists))
    move = t.file("move.json", json.dumps({"version": 1, "topics": [{"topic": topic}]}))
    got = t.run(f"{tool} --generate --topics-to-move-json-file {move} --broker-list {brokers}").splitlines()
    check((got[0], got[3]), ("Current partition replica assignment", "Proposed partition reassignment configuration"))
    check(sorted(json.loads(got[4])["partitions"][0]["replicas"]), sorted(first), "proposed replicas")
    got = t.run(f"{tool} --cancel --reassignment-json-file {file('plan-none.json', first)}")
    check(got.splitlines()[0], "None of the specified partition reassignments are active.")
    # Nothing got lost on the way.
    t.prints(f"kafka-console-consumer.sh --topic {topic} --partition 0 --offset earliest --max-messages 100", *VALUES)


def transactions_are_listed_described_and_ended(t):
    topic, tool = made(t, "transactions", 1), "kafka-transactions.sh"
    id, other = f"{topic}-open", f"{topic}-done"
    t.client().transact(topic=topic, id=other, rounds=[])
    writer = t.member()
    writer.begin(topic=topic, id=id, values=VALUES[:10])

    def rows(line):
        return [[cell.strip() for cell in row.split("\t")] for row in t.run(f"{tool} {line}").splitlines()[1:]]

    def listed(state):
        # By coordinator: in any order.
        found = [(row[0], row[3]) for row in rows(f"list --transactional-id-pattern {topic}-.*")]
        return sorted(found) == [(other, "Empty"), (id, state)]

    until("listed", lambda: listed("Ongoing"))
    [described] = rows(f"describe --transactional-id {id}")
    check((described[1], described[4], described[8]), (id, "Ongoing", f"{topic}-0"), "described")
    [producer] = rows(f"describe-producers --topic {topic} --partition 0")
    check((producer[0], producer[3], producer[5]), (described[2], "9", "0"), "producers")
    consume = f"kafka-console-consumer.sh --topic {topic} --partition 0 --offset earliest --timeout-ms 3000"
    t.prints(f"{consume} --isolation-level read_committed")
    t.prints(f"{consume} --isolation-level read_uncommitted --max-messages 10", *VALUES[:10])
    # It is younger than its timeout.
    check(rows(f"find-hanging --topic {topic}"), [], "hanging")
    t.prints(f"{tool} forceTerminateTransaction --transactionalId {id}")
    answer = writer.attempt("end", commit=True)
    fenced = ["ProducerFencedException", "InvalidProducerEpochException"]
    check(any(error in answer.get("error", "") for error in fenced), True, f"who was terminated: {answer}")
    until("ended", lambda: listed("Empty") or listed("CompleteAbort"))
    t.prints(f"{consume} --isolation-level read_committed")
    t.run(f"{tool} abort --topic {topic} --partition 0 --start-offset 0", code=1)


TOOL_SCENARIOS = [
    transactions_are_listed_described_and_ended,
    groups_are_described_reset_and_deleted,
    leaders_and_replicas_are_moved,
    what_is_produced_is_consumed,
    offsets_are_found_by_time_and_records_deleted,
    topics_are_created_altered_and_deleted,
    configs_are_described_and_altered,
    the_cluster_describes_itself,
    performance_tests_count_what_they_sent,
    keys_headers_and_nulls_are_kept,
]
