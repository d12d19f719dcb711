"""A program with quixstreams: records are grouped again by another key, counted in a state and in windows, and a second
process takes the state over from its changelogs.

Called with `worker`, it is that program; otherwise it drives it.
"""

import importlib.metadata
import os
import sys
from datetime import timedelta

PARTITIONS, KEYS = 4, 20
FIRST, MORE = 2_000, 1_000
# Each number's time is so many seconds: a window has so many records.
WINDOW = 100


def work():
    from quixstreams import Application

    app = Application(
        broker_address=os.environ["BOOTSTRAP_SERVERS"], consumer_group="counting", auto_offset_reset="earliest",
        state_dir=f"state-{os.getpid()}", commit_interval=1.0, processing_guarantee="at-least-once",
        topic_create_timeout=30,
    )
    orders = app.topic("orders", value_deserializer="str")
    counts = app.topic("counts", key_serializer="str", value_serializer="str")
    windows = app.topic("windows", key_serializer="str", value_serializer="str")

    def count(_, state):
        total = state.get("total", 0) + 1
        state.set("total", total)
        return str(total)

    grouped = app.dataframe(orders).group_by(lambda number: f"key-{int(number) % KEYS}", name="remainder")
    grouped.apply(count, stateful=True).to_topic(counts)
    counted = grouped.tumbling_window(timedelta(seconds=WINDOW), grace_ms=timedelta(hours=1)).count().current()
    (
        counted.apply(lambda window, key, *_: f"{key}@{window['start'] // 1_000}={window['value']}", metadata=True)
        .to_topic(windows, key=lambda text: text.split("=")[0])
    )
    app.run()


def drive():
    from driver import Log, Worker, Writer, compare, create, tally, told, until

    def worker():
        return Worker(sys.executable, __file__, "worker")

    with told() as line:
        create(["orders", "counts", "windows"], PARTITIONS)
        writer, log, windows = Writer("orders", KEYS), Log("counts", PARTITIONS), Log("windows", PARTITIONS)
        running = worker()
        writer.write(FIRST)
        until("the first process has counted", lambda: tally(log, writer.counts, running))
        running.stop()
        first = sum(log.numbers().values())
        running = worker()
        writer.write(MORE)
        until("the second process has counted", lambda: tally(log, writer.counts, running))
        wanted = writer.windows(WINDOW)
        until("the windows are full", lambda: tally(windows, wanted, running))
        running.stop()
        totals = log.whole().numbers()
        line["version"] = importlib.metadata.version("quixstreams")
        line["counts"] = {
            "written": writer.written, "first process": first, "both": sum(totals.values()),
            **compare(totals, writer.counts), "updates": len(log.records),
            **compare(windows.whole().numbers(), wanted, "windows "),
        }


if __name__ == "__main__":
    work() if sys.argv[1:] == ["worker"] else drive()
