"""What the Python clients share: commands come as JSON lines on the standard input, answers go to the standard output."""

import json
import sys
import time
import traceback


def serve(client, can, version):
    """Answers commands with the client's methods until the input ends."""
    say({"can": can, "version": version})
    for line in sys.stdin:
        command = json.loads(line)
        name = command.pop("cmd")
        try:
            say({"ok": getattr(client, name)(**command)})
        except Exception as error:  # the driver decides what an error means
            traceback.print_exc()
            say({"error": f"{type(error).__name__}: {error}"})


def say(answer):
    print(json.dumps(answer), flush=True)


def collect(poll, count, timeout):
    """Polls until there are at least `count` records, or the time is over."""
    records, end = [], time.monotonic() + timeout
    while len(records) < count and time.monotonic() < end:
        records.extend(poll(min(0.2, max(0.0, end - time.monotonic()))))
    return records
