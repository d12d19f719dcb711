"""Log directories on their way between the gateway and Apache Kafka, in both directions.

`Directories.java` fills a cluster: every codec, a compacted topic, transactions that were committed, aborted and left open, groups'
offsets, some of them committed in transactions. It tells what a cluster holds as its clients see it, a line a fact, with a
digest of every partition's records. The cluster is stopped, its directories are carried over, and the other side has to tell
the same.
"""

import re
import shutil
import signal
import subprocess
import tarfile
from pathlib import Path

import run
from scenarios import check

BROKERS = 3
# All of a cluster's life here, JVMs of its programs included, takes less.
PATIENCE = 180


class OnDisk(run.Gateway):
    """A gateway with a data directory."""

    def __init__(self, program, brokers, log, data):
        self.data = data
        super().__init__(program, brokers, log, more=["--data-dir", str(data)])

    def kill(self):
        """Ends it as a power switch ends a process."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Directories:
    """The two programs that fill and tell, and those that carry."""

    def __init__(self, program, java, logs):
        self.program, self.java, self.logs = program, java, logs / "directories"
        shutil.rmtree(self.logs, ignore_errors=True)
        self.logs.mkdir(parents=True)

    def client(self, what, bootstrap, *more):
        """Runs Directories.java; gives the lines that it prints."""
        done = subprocess.run(
            [*self.java.command("Directories"), what, bootstrap, *map(str, more)], capture_output=True, text=True, timeout=PATIENCE
        )
        with open(self.logs / "client.log", "a") as log:
            log.write(f"$ {what} {bootstrap}\n{done.stdout}{done.stderr}")
        if done.returncode:
            raise AssertionError(f"{what}: {done.stderr[-400:]}")
        return done.stdout.splitlines()

    def gateway(self, data, brokers=BROKERS):
        return OnDisk(self.program, brokers, self.logs / f"{data.name}.log", data)

    def carry(self, *words):
        """The gateway's import or export; gives what it says."""
        done = subprocess.run([self.program, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode:
            raise AssertionError(f"{words[0]}: {done.stderr[-400:]}")
        return done.stdout

    def imported(self, name, *paths):
        """A data directory that was imported, and what was said of it."""
        data = self.logs / name
        said = self.carry("import", "--data-dir", data, *paths)
        return data, said

    def kafka(self, kafka, archive, name):
        """Apache Kafka on an exported archive, with the properties that lie in it, at ports that are free."""
        folder = self.logs / name
        with tarfile.open(archive) as tar:
            tar.extractall(folder)
        return kafka(self.java, folder)


def there_and_back(directories, kafka):
    """Three brokers of the gateway's become Apache Kafka's, and the gateway's again."""
    first = directories.gateway(directories.logs / "ours")
    directories.client("write", first.bootstrap, BROKERS)
    told = directories.client("tell", first.bootstrap)
    first.stop()
    archive = directories.logs / "cluster.tar"
    directories.carry("export", "--data-dir", first.data, "--out", archive)
    theirs = directories.kafka(kafka, archive, "exported")
    try:
        check(directories.client("tell", theirs.bootstrap), told, "what Apache Kafka reads")
        told = directories.client("finish", theirs.bootstrap)
    finally:
        theirs.stop()
    folders = [directories.logs / "exported" / f"broker-{node}" for node in range(1, BROKERS + 1)]
    data, said = directories.imported("back", *folders)
    check("opened as it is" in said, True, said)
    again = directories.gateway(data)
    check(directories.client("tell", again.bootstrap), told, "what came back")
    again.stop()


def after_a_kill(directories, kafka):
    """The same out of a gateway that was killed: Apache Kafka recovers the logs."""
    first = directories.gateway(directories.logs / "killed")
    directories.client("write", first.bootstrap, BROKERS)
    told = directories.client("tell", first.bootstrap)
    first.kill()
    archive = directories.logs / "killed.tar"
    directories.carry("export", "--data-dir", first.data, "--out", archive)
    theirs = directories.kafka(kafka, archive, "recovered")
    try:
        check(directories.client("tell", theirs.bootstrap), told, "what Apache Kafka recovers")
    finally:
        theirs.stop()


def kafkas_own(directories, kafka):
    """Directories that Apache Kafka wrote are opened: all of them as they are, and one of three by itself."""
    theirs = kafka(directories.java, BROKERS, directories.logs)
    try:
        directories.client("write", theirs.bootstrap, BROKERS)
        told = directories.client("tell", theirs.bootstrap)
    finally:
        theirs.stop()
    folders = [directories.logs / f"kafka-{BROKERS}-{node}" for node in range(1, BROKERS + 1)]
    for name, paths, wanted in [
        ("whole", folders, "A whole cluster, opened as it is"),
        ("one", folders[1:2], "A new cluster of one broker"),
    ]:
        data, said = directories.imported(name, *paths)
        check(said.startswith(wanted), True, said)
        ours = directories.gateway(data, len(paths))
        check(directories.client("tell", ours.bootstrap), told, f"what the gateway reads of {name}")
        # What was left open is ended by its producer, and new records are taken.
        done = directories.client("finish", ours.bootstrap)
        check(sum(line.startswith("transaction left-open") and line.endswith("CompleteCommit") for line in done), 1, name)
        ours.stop()


def at_free_ports(text, ports):
    """The properties of a server with its ports replaced, each by the same one everywhere."""
    return re.sub(r"127\.0\.0\.1:(\d+)", lambda found: f"127.0.0.1:{ports[int(found[1])]}", text)


def nodes(folder):
    """The properties of the servers of an archive, by node."""
    return {int(path.stem.split("-")[1]): path for path in sorted(Path(folder).glob("server-*.properties"))}
