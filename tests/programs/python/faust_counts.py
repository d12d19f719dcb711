"""A program with faust-streaming: records are grouped again by another key and counted in a table, which a second
process takes over from its changelog.

Called with `worker`, it is that program; otherwise it drives it.
"""

import importlib.metadata
import os
import sys
from pathlib import Path

PARTITIONS, KEYS = 4, 20
FIRST, MORE = 2_000, 1_000


def app():
    import faust

    servers = ";".join(f"kafka://{server}" for server in os.environ["BOOTSTRAP_SERVERS"].split(","))
    app = faust.App(
        "counting", broker=servers, store="memory://", topic_partitions=PARTITIONS, topic_replication_factor=3,
        table_cleanup_interval=3600, web_enabled=False, datadir="faust-data", value_serializer="raw",
    )
    orders = app.topic("orders", key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    counts = app.topic("counts", key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    table = app.Table("totals", default=int, key_type=str, value_type=int)

    @app.agent(orders)
    async def count(stream):
        async for number in stream.group_by(lambda value: f"key-{int(value) % KEYS}", name="remainder"):
            key = f"key-{int(number) % KEYS}"
            table[key] += 1
            await counts.send(key=key.encode(), value=str(table[key]).encode())

    @app.task
    async def recovered():
        Path(f"ready-{os.getpid()}").touch()

    return app


def drive():
    from driver import Log, Worker, Writer, compare, create, tally, told, until

    def ready_worker():
        running = Worker(sys.executable, __file__, "worker", "--without-web", "-l", "info")
        until("a process is ready", lambda: (Path(f"ready-{running.process.pid}").exists(), running.alive()))
        return running

    with told() as line:
        create(["orders", "counts"], PARTITIONS)
        writer, log = Writer("orders", KEYS), Log("counts", PARTITIONS)
        # Of records that wait for it, faust drops some while it sees to its table, after it has fetched them.
        running = ready_worker()
        writer.write(FIRST)
        until("the first process has counted", lambda: tally(log, writer.counts, running))
        running.stop()
        first = sum(log.numbers().values())
        running = ready_worker()
        writer.write(MORE)
        until("the second process has counted", lambda: tally(log, writer.counts, running))
        running.stop()
        totals = log.whole().numbers()
        line["version"] = importlib.metadata.version("faust-streaming")
        line["counts"] = {
            "written": writer.written, "first process": first, "both": sum(totals.values()),
            **compare(totals, writer.counts), "updates": len(log.records),
        }


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        app().main()
    else:
        drive()
