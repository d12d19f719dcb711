#!/usr/bin/env python3
"""Asks a fresh Kafka whether it still answers as ../fixtures/broker-configs.json says (the cases under "alter").

Every change is asked with validate_only, so that no case disturbs the next; what a case has before is set and then
taken away. Requests are IncrementalAlterConfigs version 0, written here byte by byte: the Java client refuses some.
"""
import json
import socket
import struct
import sys
import time


def text(value):
    if value is None:
        return struct.pack(">h", -1)
    data = value.encode()
    return struct.pack(">h", len(data)) + data


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, kind):
        (value,) = struct.unpack_from(">" + kind, self.data, self.at)
        self.at += struct.calcsize(">" + kind)
        return value

    def text(self):
        length = self.number("h")
        if length < 0:
            return None
        self.at += length
        return self.data[self.at - length:self.at].decode()


def receive(connection, length):
    data = b""
    while len(data) < length:
        part = connection.recv(length - len(data))
        if not part:
            sys.exit("the broker has closed the connection")
        data += part
    return data


def alter(connection, broker, changes, validate_only):
    """The code and message for one resource of type BROKER."""
    body = struct.pack(">ib", 1, 4) + text(broker) + struct.pack(">i", len(changes))
    for name, operation, value in changes:
        body += text(name) + struct.pack(">b", operation) + text(value)
    body += struct.pack(">?", validate_only)
    frame = struct.pack(">hhi", 44, 0, 1) + text("check") + body
    connection.sendall(struct.pack(">i", len(frame)) + frame)
    (length,) = struct.unpack(">i", receive(connection, 4))
    reader = Reader(receive(connection, length))
    # The correlation id, the throttle time and the number of responses.
    for _ in range(3):
        reader.number("i")
    return reader.number("h"), reader.text()


def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    connection = socket.create_connection(("127.0.0.1", port))
    with open(path, encoding="utf-8") as file:
        cases = json.load(file)["alter"]
    different = 0
    for case in cases:
        have = case.get("have", {})
        for broker, configs in have.items():
            alter(connection, broker, [(name, 0, value) for name, value in configs.items()], False)
        if have:
            time.sleep(1)
        got = alter(connection, case["broker"], case["changes"], True)
        if got != (case["code"], case["message"]):
            different += 1
            print(f"{case['broker']!r} {case['changes']}\n  file: {case['code'], case['message']}\n  now:  {got}")
        for broker, configs in have.items():
            alter(connection, broker, [(name, 1, None) for name in configs], False)
        if have:
            time.sleep(1)
    print(f"{len(cases)} cases, {different} different")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
