#!/usr/bin/env python3
"""Records tests/fixtures (segments, configurations, errors) from Apache Kafka.

    record_fixtures.py KAFKA_LIB_DIR FIXTURES_DIR

See record.py for what it needs.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from record import CLASSES, LOGS, Kafka

TOPICS = ["none", "gzip", "snappy", "lz4", "zstd", "log-append-time", "transactions"]
HERE = Path(__file__).resolve().parent


def ask(kafka, mode):
    command = [*kafka.java[:-1], kafka.java[-1], str(HERE / "Fixtures.java"), "localhost:19092", mode]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def dump(kafka, directory, options, files):
    """One command and what it printed, in the form of the golden files. It runs in Kafka's log directory, because the
    order of complaints hangs on the hashes of absolute paths."""
    shutil.rmtree(LOGS)
    shutil.copytree(directory, LOGS)
    words = ["--files", ",".join(files), *options]
    done = subprocess.run(
        [*kafka.java, CLASSES["kafka-dump-log.sh"], *words], capture_output=True, cwd=LOGS
    )
    lines = ["$ kafka-dump-log.sh " + " ".join(words)]
    for output, mark in ((done.stdout, ""), (done.stderr, "! ")):
        text = re.sub(r"(?m)^\tat .*\n|^\t\.\.\. \d+ more\n", "", output.decode(errors="replace"))
        lines += [mark + line for line in text.split("\n")[:-1]]
    if done.returncode:
        lines.append(f"[exit {done.returncode}]")
    return "\n".join(lines) + "\n\n"


def names(directory, suffix):
    return sorted(path.name for path in directory.iterdir() if path.name.endswith(suffix))


def dump_all(kafka, directory):
    text = dump(kafka, directory, ["--deep-iteration", "--print-data-log"], names(directory, ".log"))
    indexes = names(directory, ".index") + names(directory, ".timeindex")
    if indexes:
        text += dump(kafka, directory, [], indexes)
        text += dump(kafka, directory, ["--index-sanity-check"], indexes)
        text += dump(kafka, directory, ["--verify-index-only"], indexes)
    (directory / "dump.txt").write_text(text.rstrip("\n") + "\n")


def break_segments(source, target):
    """Copies of a segment with one thing wrong each."""
    target.mkdir()
    name = "00000000000000000000"
    log = (source / f"{name}.log").read_bytes()
    index = (source / f"{name}.index").read_bytes()
    timeindex = (source / f"{name}.timeindex").read_bytes()

    def write(number, log, index=None, timeindex=None):
        stem = f"{number:020}"
        (target / f"{stem}.log").write_bytes(log)
        if index is not None:
            (target / f"{stem}.index").write_bytes(index)
        if timeindex is not None:
            (target / f"{stem}.timeindex").write_bytes(timeindex)

    length = int.from_bytes(log[8:12], "big") + 12
    second = int.from_bytes(log[length + 8 : length + 12], "big") + 12
    write(0, log[: length + second // 2])  # torn in the second batch
    flipped = bytearray(log[: length + second])
    flipped[25] ^= 1
    write(1, bytes(flipped))  # a checksum that does not fit
    write(2, log[:length] + b"\0" * 40)  # a batch of size 0 follows
    write(3, log[length : length + second] + log[:length])  # offsets that go back
    # The names say base offset 4 and on, so relative offsets no longer fit the log.
    write(4, log, index, timeindex)
    wrong = bytearray(index)
    wrong[3] ^= 1
    write(5, log, bytes(wrong), timeindex[:12] * 2 + timeindex[12:])


def main():
    lib, fixtures = sys.argv[1], Path(sys.argv[2]).resolve()
    segments = fixtures / "segments"
    with tempfile.TemporaryDirectory() as work, Kafka(lib, Path(work)) as kafka:
        (fixtures / "topic-configs.json").write_text(ask(kafka, "configs"))
        (fixtures / "admin-errors.json").write_text(ask(kafka, "errors"))
        ask(kafka, "fill")
        kafka.stop()
        shutil.rmtree(segments, ignore_errors=True)
        logs = Path(work) / "logs"
        shutil.copytree(LOGS, logs)
        for topic in TOPICS + ["__cluster_metadata"]:
            target = segments / topic
            target.mkdir(parents=True)
            for path in sorted((logs / f"{topic}-0").iterdir()):
                if path.suffix in (".log", ".index", ".timeindex", ".txnindex"):
                    shutil.copy(path, target / path.name)
            dump_all(kafka, target)
            if topic == "__cluster_metadata":
                decoded = dump(kafka, target, ["--cluster-metadata-decoder"], names(target, ".log"))
                (target / "decoded.txt").write_text(decoded.rstrip("\n") + "\n")
        break_segments(segments / "none", segments / "broken")
        broken = segments / "broken"
        text = ""
        for name in names(broken, ".log") + names(broken, ".index") + names(broken, ".timeindex"):
            deep = ["--deep-iteration"] if name.endswith(".log") and name < "0" * 19 + "4" else []
            if name.endswith(".log") and not deep:
                continue
            text += dump(kafka, broken, deep, [name])
            if not deep:
                text += dump(kafka, broken, ["--index-sanity-check"], [name])
        (broken / "dump.txt").write_text(text.rstrip("\n") + "\n")


main()
