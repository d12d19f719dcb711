"""What every client has to do, and what has to be true after it. Each scenario is written once, in the commands that all
clients understand (clients/); what a client has no way of doing, the reference client does in its place, so that no scenario is
left out."""

import time
from itertools import product

import batches

# Long enough that a batch of one is smaller when it is compressed: librdkafka and kafka-python send it as it is otherwise,
# and a busy machine makes batches of one.
VALUES = [f"value {at} " + "x" * (200 + at % 50) for at in range(100)]
# Records of the past, so that a broker's clock cannot be mistaken for a record's.
LONG_AGO = 1_700_000_000_000


def check(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}: got {short(got)}, wanted {short(want)}")


def short(value):
    text = repr(value)
    return text if len(text) < 200 else f"{text[:200]}… ({len(value)})"


def until(what, find, seconds=40):
    """Asks again until there is something true."""
    end = time.monotonic() + seconds
    while not (found := find()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not after {seconds} s")
        time.sleep(0.02)
    return found


def read(reader, topic, partition, offset, count):
    """The first records from an offset on: a client may bring more of them."""
    return reader.read(topic=topic, partition=partition, offset=offset, count=count)[:count]


def values(records):
    return [record["value"] for record in records]


# ---- topics


def topics_come_are_described_and_go(t):
    admin, topic = t.admin(), t.topic("life")
    admin.create(topic=topic, partitions=3, replication=t.brokers)
    until("listed", lambda: topic in admin.topics())
    described = until("leaders", lambda: all_led(admin, topic, 3))
    for number, partition in enumerate(described):
        check(partition["partition"], number)
        check(partition["replicas"], list(range(1, t.brokers + 1)), "replicas")
        check(partition["isr"], partition["replicas"], "ISR")
        check(partition["leader"] in partition["replicas"], True, "leader")
    check("error" in admin.attempt("create", topic=topic, partitions=3, replication=1), True, "created twice")
    admin.delete(topic=topic)
    until("gone", lambda: topic not in admin.topics())
    # The name is free again, and nothing of the old topic is left.
    admin.create(topic=topic, partitions=1, replication=1)
    until("leader", lambda: all_led(admin, topic, 1))
    check(t.client().offsets(topic=topic, partition=0), [0, 0], "offsets of the new topic")


def all_led(client, topic, partitions):
    found = client.attempt("describe", topic=topic).get("ok") or []
    return found if len(found) == partitions and all(p["leader"] > 0 for p in found) else None


# ---- records


def produce(t, topic, partition=0, count=100, acks="all", compression="none", idempotent=False, timestamp=None, first=0):
    t.client().produce(
        topic=topic, partition=partition, values=VALUES[first:first + count], acks=acks, compression=compression,
        idempotent=idempotent, timestamp=timestamp,
    )


def every_acks_and_compression_arrives(t):
    topic = t.made("records", 1)
    end = 0
    codecs = t.client().can["compression"]
    for acks, compression in product(["all", "1", "0"], codecs):
        produce(t, topic, acks=acks, compression=compression)
        # Of acks=0 nobody is told when they are there.
        until(f"acks={acks} {compression}", lambda: t.client().offsets(topic=topic, partition=0) == [0, end + 100])
        for reader in t.readers():
            records = read(reader, topic, 0, end, 100)
            check(values(records), VALUES, f"acks={acks} {compression} read by {reader.name}")
            check([r["offset"] for r in records], list(range(end, end + 100)), "offsets")
            check([r["key"] for r in records], [f"k{at}" for at in range(100)], "keys")
        # A client that takes the broker for an older one may leave the codec out, and nobody notices.
        check(batches.codecs(t.gateway.bootstrap, topic, 0, end), {compression}, f"acks={acks}: codec on the wire")
        end += 100


def what_others_compressed_is_read(t):
    topic = t.made("foreign", 1)
    for at, compression in enumerate(t.client().can["compression"]):
        t.reference().produce(
            topic=topic, partition=0, values=VALUES, acks="all", compression=compression, idempotent=False, timestamp=None
        )
        check(values(read(t.client(), topic, 0, 100 * at, 100)), VALUES, compression)


def idempotent_records_arrive_once(t):
    topic = t.made("once", 2)
    for round_ in range(3):
        for partition in (0, 1):
            produce(t, topic, partition, idempotent=True)
            check(t.client().offsets(topic=topic, partition=partition), [0, 100 * (round_ + 1)], "offsets")
    check(values(read(t.client(), topic, 1, 200, 100)), VALUES)


def offsets_are_found_by_time(t):
    topic = t.made("times", 1)
    # A client that cannot give records a time has this done by another, and looks for them itself.
    writer = t.client() if t.client().can.get("timestamps", True) else t.reference()
    writer.produce(
        topic=topic, partition=0, values=VALUES, acks="all", compression="none", idempotent=False, timestamp=LONG_AGO
    )
    until("there", lambda: t.client().offsets(topic=topic, partition=0) == [0, 100])
    for time_, want in [(LONG_AGO, 0), (LONG_AGO + 42, 42), (LONG_AGO - 1_000, 0), (LONG_AGO + 99, 99)]:
        check(t.client().offset_at(topic=topic, partition=0, time=time_), want, f"offset at {time_ - LONG_AGO}")
    start = t.client().offset_at(topic=topic, partition=0, time=LONG_AGO + 42)
    records = read(t.client(), topic, 0, start, 10)
    check([(r["value"], r["timestamp"] - LONG_AGO) for r in records], [(VALUES[at], at) for at in range(42, 52)])


# ---- groups


def disjoint(members, partitions):
    """Whether the members own all partitions, each by one."""
    owned = [member.assigned() for member in members]
    return sorted(sum(owned, [])) == list(range(partitions)) and all(owned)


def members_share_and_hand_over(t):
    topic, group = t.made("shared", 4), t.group("shared")
    one, two = t.member(), t.member()
    one.join(group=group, topic=topic)
    until("one member owns all", lambda: disjoint([one], 4))
    two.join(group=group, topic=topic)
    until("two members share", lambda: disjoint([one, two], 4))
    for partition in range(4):
        produce(t, topic, partition, count=10)
    got = {one: [], two: []}
    end = time.monotonic() + 20
    while sum(map(len, got.values())) < 40 and time.monotonic() < end:
        for member, records in got.items():
            records.extend(member.take(count=1, timeout=0.2))
    check(sorted((r["partition"], r["offset"]) for records in got.values() for r in records),
          sorted(product(range(4), range(10))), "records of both")
    two.leave()
    until("the one that stays owns all", lambda: disjoint([one], 4))
    one.leave()


def commits_are_resumed_after_leaving_and_after_a_crash(t):
    topic, group = t.made("resumed", 1), t.group("resumed")
    produce(t, topic, count=30)
    one = t.member()
    one.join(group=group, topic=topic)
    check(values(one.take(count=30, timeout=40)), VALUES[:30], "first member")
    one.commit()
    check(t.group_admin().committed(group=group, topic=topic), {"0": 30}, "committed")
    one.leave()
    produce(t, topic, count=10, first=30)
    two = t.member()
    two.join(group=group, topic=topic)
    check(values(two.take(count=10, timeout=40)), VALUES[30:40], "second member")
    two.commit()
    check(t.group_admin().committed(group=group, topic=topic), {"0": 40}, "committed")
    # It is gone without a word: its partition is free when its session is over.
    two.kill()
    produce(t, topic, count=10, first=40)
    three = t.member()
    three.join(group=group, topic=topic)
    check(values(three.take(count=10, timeout=40)), VALUES[40:50], "third member")
    three.leave()


def a_member_that_crashes_is_replaced(t):
    topic, group = t.made("crashed", 4), t.group("crashed")
    one, two = t.member(), t.member()
    one.join(group=group, topic=topic)
    two.join(group=group, topic=topic)
    until("two members share", lambda: disjoint([one, two], 4))
    two.kill()
    until("the one that lives owns all", lambda: disjoint([one], 4))
    one.leave()


def groups_are_listed_described_reset_and_deleted(t):
    topic, group = t.made("administered", 1), t.group("administered")
    produce(t, topic, count=20)
    admin = t.group_admin()
    one = t.member()
    one.join(group=group, topic=topic)
    check(len(one.take(count=20, timeout=40)), 20, "records")
    one.commit()
    check(group in admin.groups(), True, "listed")
    check(admin.describe_group(group=group), {"state": "stable", "members": 1})
    check("error" in t.able("delete_group").attempt("delete_group", group=group), True, "deleted with a member")
    one.leave()
    until("empty", lambda: admin.describe_group(group=group) == {"state": "empty", "members": 0})
    t.resetter().reset(group=group, topic=topic, offsets={"0": 5})
    check(admin.committed(group=group, topic=topic), {"0": 5}, "reset")
    two = t.member()
    two.join(group=group, topic=topic)
    check(values(two.take(count=15, timeout=40)), VALUES[5:20], "after the reset")
    two.leave()
    until("empty", lambda: admin.describe_group(group=group)["state"] == "empty")
    t.able("delete_group").delete_group(group=group)
    until("gone", lambda: group not in admin.groups())


def transactions_are_seen_whole_or_not_at_all(t):
    topic, able = t.made("transactions", 2), t.able("transact")
    kept, dropped, last = VALUES[:10], VALUES[10:30], VALUES[30:50]
    able.transact(topic=topic, id=f"{topic}-id", rounds=[[kept, True], [dropped, False], [last, True]])
    # Each round is spread over both partitions, and ends with a marker on each.
    for partition in (0, 1):
        want = kept[partition::2] + last[partition::2]
        check(values(read(t.reference(), topic, partition, 0, len(want))), want, f"partition {partition}")
        written = (len(kept) + len(dropped) + len(last)) // 2
        first, end = t.reference().offsets(topic=topic, partition=partition)
        check((first, end >= written + 2), (0, True), f"offsets {first} to {end}")
    # Who begins with the same id goes on behind it.
    able.transact(topic=topic, id=f"{topic}-id", rounds=[[VALUES[50:60], True]])
    want = kept[::2] + last[::2] + VALUES[50:60:2]
    check(values(read(t.reference(), topic, 0, 0, len(want))), want, "after a new producer")


# Without groups first: a client that has no other way of reading than a group comes to them in "records" too.
SCENARIOS = [
    topics_come_are_described_and_go,
    every_acks_and_compression_arrives,
    what_others_compressed_is_read,
    idempotent_records_arrive_once,
    transactions_are_seen_whole_or_not_at_all,
    offsets_are_found_by_time,
    members_share_and_hand_over,
    commits_are_resumed_after_leaving_and_after_a_crash,
    a_member_that_crashes_is_replaced,
    groups_are_listed_described_reset_and_deleted,
]
