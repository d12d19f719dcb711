"""What Java's client has to do beyond the scenarios of all clients (../scenarios.py)."""

import threading
from collections import Counter
from itertools import product

from scenarios import LONG_AGO, VALUES, all_led, check, until, values

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def made(t, name, partitions, **configs):
    """A topic with its leaders."""
    topic, client = t.topic(name), t.client()
    client.create(topic=topic, partitions=partitions, replication=t.brokers, configs=configs)
    until("leaders", lambda: all_led(client, topic, partitions))
    return topic


def write(t, topic, partition, some, **more):
    """Produces, idempotently if not told otherwise."""
    t.client().produce(**{
        "topic": topic, "partition": partition, "values": some, "acks": "all", "compression": "none", "idempotent": True,
        "timestamp": None, **more,
    })


def read(t, topic, partition, count):
    return t.client().read(topic=topic, partition=partition, offset=0, count=count)


# ---- records


def records_are_kept_exactly(t):
    """Every way to acknowledge and to compress: headers, nulls, nothing, and much."""
    some = ["", None, "한국어", "x" * 900_000, *VALUES[:20]]
    headers = {"trace": "1", "빈": ""}
    ways = [("0", False), ("1", False), ("all", False), ("all", True)]
    topic = made(t, "exact", len(ways))
    for partition, (acks, idempotent) in enumerate(ways):
        for number, codec in enumerate(CODECS):
            write(t, topic, partition, some, acks=acks, idempotent=idempotent, compression=codec, headers=headers)
            end = len(some) * (number + 1)
            # Of acks=0 nobody is told when they are there.
            until(f"acks={acks} {codec}", lambda: t.client().offsets(topic=topic, partition=partition) == [0, end])
        got = read(t, topic, partition, end)
        keys = [None if value is None else f"k{at}" for at, value in enumerate(some)]
        check(values(got), some * len(CODECS), f"values of acks={acks}")
        check([record["key"] for record in got], keys * len(CODECS), "keys")
        check([record["offset"] for record in got], list(range(end)), "offsets")
        check(all(record["headers"] == headers for record in got), True, "headers")


def what_the_broker_compresses_is_read(t):
    """`compression.type` of a topic: the broker unpacks what came, and packs it anew."""
    for codec in [*CODECS[1:], "uncompressed"]:
        topic = made(t, f"packed-{codec}", 1, **{"compression.type": codec})
        for own in CODECS:
            write(t, topic, 0, VALUES, compression=own)
        check(values(read(t, topic, 0, 500)), VALUES * 5, codec)


def many_records_arrive_once_and_in_order(t):
    topic, count, keys = made(t, "flood", 6), 30_000, 97
    sent = t.client().flood(
        topic=topic, count=count, keys=keys, acks="all", compression="lz4", idempotent=True, batch=16_384
    )
    audit(t.client(), topic, 6, count, keys)
    ends = {str(partition): t.client().offsets(topic=topic, partition=partition)[1] for partition in range(6)}
    check({partition: end for partition, end in ends.items() if end}, sent, "log ends")


def audit(client, topic, partitions, count, keys):
    """Whether the numbers of a flood are there once each, those of a key in one partition and in order."""
    seen, last, home = Counter(), {}, {}
    for partition in range(partitions):
        end = client.offsets(topic=topic, partition=partition)[1]
        for record in client.read(topic=topic, partition=partition, offset=0, count=end):
            key, number = record["key"], int(record["value"])
            seen[number] += 1
            check(home.setdefault(key, partition), partition, f"partition of key {key}")
            check(number > last.get(key, -1), True, f"{number} after {last.get(key)}")
            check(number % keys, int(key), "key")
            last[key] = number
    check((len(seen), sum(seen.values())), (count, count), "records")


def a_leader_crashes_under_a_java_producer(t):
    topic, count, keys = made(t, "crash", 3, **{"min.insync.replicas": "2"}), 200_000, 97
    producer, answer = t.member(), []
    load = threading.Thread(target=lambda: answer.append(producer.attempt(
        "flood", topic=topic, count=count, keys=keys, acks="all", compression="none", idempotent=True, batch=1_000
    )))
    load.start()
    until("some records", lambda: t.client().offsets(topic=topic, partition=0)[1] > 1_000)
    leader = t.client().describe(topic=topic)[0]["leader"]
    check(answer, [], "the load is over")
    t.gateway.control(f"fault crash {leader}")
    until("another leader", lambda: leader not in [p["leader"] for p in t.client().describe(topic=topic)])
    t.gateway.control(f"fault restart {leader}")
    load.join()
    check(sum(answer[0].get("ok", {}).values()), count, f"acknowledged: {answer}")
    until("in sync", lambda: all(p["isr"] == [1, 2, 3] for p in t.client().describe(topic=topic)))
    audit(t.client(), topic, 3, count, keys)


# ---- groups


class Group:
    """Members of a group, what they own, and what they have read, in the order in which they did."""

    def __init__(self, t, name, partitions, **options):
        self.t, self.topic, self.name, self.partitions = t, made(t, name, partitions), t.group(name), partitions
        self.options = {"group": self.name, "topic": self.topic, "hand_over": True, **options}
        self.owned, self.revoked, self.generations = {}, {}, {}
        self.read, self.written = {partition: [] for partition in range(partitions)}, 0

    def join(self, **more):
        member = self.t.member()
        member.join(**{**self.options, **more})
        self.owned[member], self.revoked[member] = [], []
        return member

    def gone(self, member):
        for what in (self.owned, self.revoked, self.generations):
            what.pop(member, None)

    def write(self):
        """Ten records more in each partition."""
        for partition in range(self.partitions):
            write(self.t, self.topic, partition, [str(self.written + at) for at in range(10)])
        self.written += 10

    def poll(self):
        for member in list(self.owned):
            got = member.poll(wait=0.1)
            self.owned[member] = got["owned"]
            self.revoked[member] += got["revoked"]
            self.generations[member] = got["generation"]
            for record in got["records"]:
                self.read[record["partition"]].append((record["offset"], record["value"]))

    def settle(self):
        """Polls until every partition is owned by one, every member owns some, and all are of one generation; and until
        everything written has been read."""

        def settled():
            self.poll()
            all_owned = sorted(sum(self.owned.values(), [])) == list(range(self.partitions))
            all_read = sum(map(len, self.read.values())) >= self.written * self.partitions
            return all_owned and all(self.owned.values()) and len(set(self.generations.values())) == 1 and all_read

        until(f"{len(self.owned)} members share", settled)
        for partition, records in self.read.items():
            check(records, [(at, str(at)) for at in range(self.written)], f"records of partition {partition}")


def shape(assignor, owned):
    """Whether two members of an assignor own what they should of six partitions."""
    parts = sorted(owned)
    if assignor == "RangeAssignor":
        check(parts, [[0, 1, 2], [3, 4, 5]], "ranges")
    elif assignor == "RoundRobinAssignor":
        check(parts, [[0, 2, 4], [1, 3, 5]], "turns")
    else:
        check([len(part) for part in parts], [3, 3], "balance")


def shares(assignor):
    def story(t):
        sticky, cooperative = "Sticky" in assignor, "Cooperative" in assignor
        group = Group(t, assignor, 6, assignor=assignor)
        one = group.join()
        group.write()
        group.settle()
        two = group.join()
        group.write()
        group.settle()
        shape(assignor, group.owned.values())
        before = {member: set(owned) for member, owned in group.owned.items()}
        for gone in group.revoked.values():
            gone.clear()
        three = group.join()
        group.write()
        group.settle()
        check([len(owned) for owned in group.owned.values()], [2, 2, 2], "balance of three")
        for member in (one, two):
            lost = before[member] - set(group.owned[member])
            if sticky:
                check(len(lost), 1, "partitions given to the third")
            if cooperative:
                check(set(group.revoked[member]), lost, "revoked")
            else:
                check(set(group.revoked[member]) >= before[member], True, "revoked at once")
        # It leaves in order.
        before = {member: set(owned) for member, owned in group.owned.items()}
        two.leave()
        group.gone(two)
        group.write()
        group.settle()
        shape(assignor, group.owned.values())
        if sticky:
            check(all(before[member] <= set(group.owned[member]) for member in (one, three)), True, "kept")
        # It is gone without a word: its partitions are free when its session is over.
        three.commit()
        three.kill()
        group.gone(three)
        group.write()
        group.settle()
        one.leave()
        check(t.client().committed(group=group.name, topic=group.topic), {str(p): group.written for p in range(6)}, "committed")

    story.__name__ = f"members_share_by_{assignor}"
    return story


def static_members_come_back_to_what_they_owned(t):
    group = Group(t, "static", 4, assignor="RangeAssignor", session=30_000)
    one, two = group.join(instance="a"), group.join(instance="b")
    group.write()
    group.settle()
    owned, generation = group.owned[two], group.generations[two]
    # A static member that closes does not leave.
    two.leave()
    group.gone(two)
    check(t.client().describe_group(group=group.name), {"state": "stable", "members": 2}, "after a close")
    back = group.join(instance="b")
    group.write()
    group.settle()
    check((group.owned[back], set(group.generations.values())), (owned, {generation}), "after it came back")
    listed = {m["instance"]: m["partitions"] for m in t.client().describe_members(group=group.name)["members"]}
    check(listed, {"a": group.owned[one], "b": owned}, "described")
    # Who takes a name that is in use is the one who has it.
    other = group.join(instance="a")
    until("owner", lambda: other.poll(wait=0.1)["owned"] == listed["a"])
    until("fenced", lambda: "FencedInstanceIdException" in one.attempt("poll", wait=0.1).get("error", ""))
    t.client().remove_members(group=group.name)
    check(t.client().describe_group(group=group.name)["members"], 0, "removed")


def commits_pauses_and_seeks_are_obeyed(t):
    topic, group = made(t, "moves", 2), t.group("moves")
    for partition in (0, 1):
        write(t, topic, partition, VALUES[:30])
    one = t.member()
    one.join(group=group, topic=topic)
    check(len(one.take(count=60, timeout=40)), 60, "records")
    one.commit_async()
    check(until("committed", one.commit_answer), {"0": 30, "1": 30}, "commitAsync")
    check(one.position(topic=topic, partition=0), {"position": 30, "committed": 30})
    one.pause(topic=topic, partition=0)
    for partition in (0, 1):
        write(t, topic, partition, VALUES[30:35])
    got = one.take(count=5, timeout=20)
    check([(r["partition"], r["value"]) for r in got], [(1, value) for value in VALUES[30:35]], "while paused")
    one.resume(topic=topic, partition=0)
    got = one.take(count=5, timeout=20)
    check([(r["partition"], r["value"]) for r in got], [(0, value) for value in VALUES[30:35]], "after it was resumed")
    one.seek(topic=topic, partition=0, offset=3)
    check(values(one.take(count=32, timeout=20)), VALUES[3:35], "after a seek")
    # What was not committed is read again by the next.
    one.kill()
    two = t.member()
    two.join(group=group, topic=topic)
    got = two.take(count=10, timeout=40)
    check(sorted((r["partition"], r["offset"]) for r in got), list(product((0, 1), range(30, 35))), "after the crash")
    two.commit()
    two.leave()
    check(t.client().committed(group=group, topic=topic), {"0": 35, "1": 35}, "committed")


# ---- administration


def topics_are_administered(t):
    client, topic = t.client(), t.topic("topics")
    brokers = list(range(1, t.brokers + 1))
    cluster = client.cluster()
    check((cluster["nodes"], cluster["controller"] in brokers, len(cluster["id"])), (brokers, True, 22), "cluster")
    check(client.quorum()["voters"], brokers, "voters")
    check(client.features()["metadata.version"] > 0, True, "features")
    check(client.create_by_default(topic=topic, validate_only=True), {"partitions": 1, "replication": 1}, "validated")
    check(topic in client.topics(), False, "made by a validation")
    check(client.create_by_default(topic=topic), {"partitions": 1, "replication": 1}, "made")
    check("TopicExistsException" in client.attempt("create_by_default", topic=topic)["error"], True, "made twice")
    until("leader", lambda: all_led(client, topic, 1))
    identity = client.topic_id(topic=topic)
    check(client.name_of(id=identity), topic, "found by its id")
    client.add_partitions(topic=topic, count=4)
    until("leaders", lambda: all_led(client, topic, 4))
    check("InvalidPartitionsException" in client.attempt("add_partitions", topic=topic, count=2)["error"], True, "fewer")
    before = client.configs(topic=topic)
    check(len(before), 33, "configs of a topic")
    check(before["retention.ms"], {"value": "604800000", "source": "DEFAULT_CONFIG"})
    client.alter_configs(topic=topic, operations=[
        ["SET", "retention.ms", "-1"], ["APPEND", "cleanup.policy", "compact"], ["SET", "segment.bytes", "1048576"],
    ])
    wanted = {"retention.ms": "-1", "cleanup.policy": "delete,compact", "segment.bytes": "1048576"}
    wanted = {name: {"value": value, "source": "DYNAMIC_TOPIC_CONFIG"} for name, value in wanted.items()}
    until("altered", lambda: client.configs(topic=topic) == {**before, **wanted})
    client.alter_configs(topic=topic, operations=[
        ["SUBTRACT", "cleanup.policy", "compact"], ["DELETE", "segment.bytes", ""],
    ])
    wanted = {name: wanted[name] for name in ("retention.ms", "cleanup.policy")}
    wanted["cleanup.policy"]["value"] = "delete"
    until("altered back", lambda: client.configs(topic=topic) == {**before, **wanted})
    error = client.attempt("alter_configs", topic=topic, operations=[["SET", "retention.ms", "soon"]])["error"]
    check("InvalidConfigurationException" in error, True, error)
    check(client.configs(broker="1")["log.segment.bytes"]["value"], "1073741824", "config of a broker")
    client.delete_by_id(id=identity)
    until("deleted", lambda: topic not in client.topics())
    check("UnknownTopicOrPartitionException" in client.attempt("topic_id", topic=topic)["error"], True, "described")


def offsets_and_replicas_are_administered(t):
    client, topic = t.client(), made(t, "placed", 1, **{"retention.ms": "-1"})
    write(t, topic, 0, VALUES, timestamp=LONG_AGO)

    def offset(spec):
        return client.list_offset(topic=topic, partition=0, spec=str(spec))

    check([offset(spec) for spec in ("earliest", "latest")], [[0, -1], [100, -1]])
    check([offset(LONG_AGO + at) for at in (-5, 42, 99, 100)], [
        [0, LONG_AGO], [42, LONG_AGO + 42], [99, LONG_AGO + 99], [-1, -1]
    ], "by time")
    check(offset("max_timestamp"), [99, LONG_AGO + 99])
    check(client.offset_at(topic=topic, partition=0, time=LONG_AGO + 100), None, "later than all")
    check(client.delete_records(topic=topic, partition=0, before=30), 30, "low watermark")
    check(offset("earliest"), [30, -1], "after the deletion")
    check(client.offsets(topic=topic, partition=0), [30, 100], "offsets")
    check("OffsetOutOfRangeException" in client.attempt("read", topic=topic, partition=0, offset=0, count=1)["error"], True)
    brokers = list(range(1, t.brokers + 1))
    until("sizes", lambda: client.log_dirs(topic=topic) == {str(broker): [f"{topic}-0"] for broker in brokers})
    check(client.elect(topic=topic, partition=0), "ElectionNotNeededException")
    leader = client.describe(topic=topic)[0]["leader"]
    others = [broker for broker in brokers if broker != leader]
    client.reassign(topic=topic, partition=0, replicas=others or brokers)
    until("moved", lambda: client.describe(topic=topic)[0]["replicas"] == (others or brokers))
    until("idle", lambda: f"{topic}-0" not in client.reassignments())
    until("led", lambda: client.describe(topic=topic)[0]["leader"] in (others or brokers))
    client.reassign(topic=topic, partition=0, replicas=[leader, *others])
    until("back", lambda: client.describe(topic=topic)[0]["isr"] == brokers)
    until("idle", lambda: f"{topic}-0" not in client.reassignments())
    check(client.elect(topic=topic, partition=0), None if others else "ElectionNotNeededException")
    until("the preferred leads", lambda: client.describe(topic=topic)[0]["leader"] == leader)
    got = client.read(topic=topic, partition=0, offset=30, count=70)
    check(values(got), VALUES[30:], "records after the moves")


def groups_are_administered(t):
    client, topic, group = t.client(), made(t, "owned", 2), t.group("owned")
    write(t, topic, 0, VALUES[:10])
    one = t.member()
    one.join(group=group, topic=topic, assignor="CooperativeStickyAssignor")
    check(len(one.take(count=10, timeout=40)), 10, "records")
    one.commit()
    check(client.list_groups(states=["Stable"])[group], ["Stable", "Classic", "consumer"], "listed")
    check(group in client.list_groups(states=["Empty"]), False, "listed as empty")
    found = client.describe_members(group=group)
    check((found["state"], found["assignor"]), ("Stable", "cooperative-sticky"))
    check([(m["host"], m["partitions"]) for m in found["members"]], [("/127.0.0.1", [0, 1])], "members")
    check(found["coordinator"] in range(1, t.brokers + 1), True, "coordinator")
    for command, error in [
        ("delete_group", "GroupNotEmptyException"), ("delete_offsets", "GroupSubscribedToTopicException"),
        ("reset", "UnknownMemberIdException"),
    ]:
        answer = client.attempt(command, group=group, topic=topic, partition=0, offsets={"0": 0})
        check(error in answer.get("error", ""), True, f"{command}: {answer}")
    one.leave()
    until("empty", lambda: client.describe_members(group=group)["state"] == "Empty")
    client.reset(group=group, topic=topic, offsets={"0": 4, "1": 0})
    check(client.committed(group=group, topic=topic), {"0": 4, "1": 0}, "altered")
    client.delete_offsets(group=group, topic=topic, partition=1)
    check(client.committed(group=group, topic=topic), {"0": 4}, "deleted")
    client.delete_group(group=group)
    check(group in client.list_groups(), False, "listed after deletion")
    check("GroupIdNotFoundException" in client.attempt("describe_members", group=group)["error"], True, "described")


# ---- transactions


def a_newer_producer_fences_the_older(t):
    topic = made(t, "fenced", 1)
    one, two, id = t.member(), t.member(), f"{topic}-id"
    one.begin(topic=topic, id=id, values=VALUES[:10])
    # Its coordinator aborts what the other has begun.
    two.begin(topic=topic, id=id, values=VALUES[10:20])
    answer = one.attempt("end", commit=True)
    fenced = ["ProducerFencedException", "InvalidProducerEpochException"]
    check(any(error in answer.get("error", "") for error in fenced), True, f"the older one: {answer}")
    two.end(commit=True)
    check(values(read(t, topic, 0, 10)), VALUES[10:20], "what the newer one wrote")


def what_is_read_written_and_committed_is_there_once(t):
    source, target, group = made(t, "source", 2), made(t, "target", 1), t.group("transformers")
    for partition in range(2):
        write(t, source, partition, VALUES[50 * partition:50 * (partition + 1)])
    committed, aborted = t.member().transform(topic=source, to=target, group=group, id=f"{target}-id", count=100)
    check((committed > 5, aborted > 2), (True, True), f"{committed} committed, {aborted} aborted")
    check(sorted(values(read(t, target, 0, 100))), sorted(VALUES[:100]), "each once")
    check(t.client().committed(group=group, topic=source), {"0": 50, "1": 50}, "the group's offsets")


CLIENT_SCENARIOS = [
    a_newer_producer_fences_the_older,
    what_is_read_written_and_committed_is_there_once,
    *[shares(f"{name}Assignor") for name in ("Range", "RoundRobin", "Sticky", "CooperativeSticky")],
    static_members_come_back_to_what_they_owned,
    commits_pauses_and_seeks_are_obeyed,
    groups_are_administered,
    offsets_and_replicas_are_administered,
    topics_are_administered,
    records_are_kept_exactly,
    what_the_broker_compresses_is_read,
    many_records_arrive_once_and_in_order,
]
