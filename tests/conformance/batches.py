"""What a broker's log has on the wire: the codecs of record batches, which no client tells (Fetch 4; the batch format of
KIP-98)."""

import socket
import struct

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
NOT_LEADER = 6


def codecs(bootstrap, topic, partition, offset):
    """The codecs of the batches from an offset on."""
    for address in bootstrap.split(","):
        host, port = address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), 10) as connection:
            error, records = fetch(connection, topic, partition, offset)
        if error == 0:
            return {codec for base, codec in batches(records) if base >= offset}
        if error != NOT_LEADER:
            raise AssertionError(f"{topic}-{partition} cannot be fetched: {error}")
    raise AssertionError(f"nobody leads {topic}-{partition}")


def fetch(connection, topic, partition, offset):
    name = topic.encode()
    header = struct.pack(">hhih", 1, 4, 7, -1)
    body = struct.pack(">iiiib", -1, 100, 1, 1 << 24, 0) + struct.pack(">ih", 1, len(name)) + name
    body += struct.pack(">iiqi", 1, partition, offset, 1 << 24)
    connection.sendall(struct.pack(">i", len(header + body)) + header + body)
    file = connection.makefile("rb")
    answer = file.read(struct.unpack(">i", file.read(4))[0])
    # Correlation id, throttle time, the one topic with its name, the one partition with its number.
    at = 4 + 4 + 4 + 2 + len(name) + 4 + 4
    error, _high_watermark, _last_stable, aborted = struct.unpack_from(">hqqi", answer, at)
    at += 22 + 16 * max(aborted, 0)
    size, = struct.unpack_from(">i", answer, at)
    return error, answer[at + 4:at + 4 + max(size, 0)]


def batches(records):
    """Base offset and codec of each."""
    at = 0
    while at + 23 <= len(records):
        base, length = struct.unpack_from(">qi", records, at)
        attributes, = struct.unpack_from(">h", records, at + 21)
        yield base, CODECS[attributes & 7]
        at += 12 + length
