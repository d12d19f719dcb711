#!/usr/bin/env python3
"""Writes messages.txt and metadata.txt from Kafka's own message definitions, which are JSON inside its jars.

    python3 generate.py kafka-clients-4.3.1.jar > messages.txt
    python3 generate.py kafka-metadata-4.3.1.jar > metadata.txt

What is kept are names, types, versions, tags and defaults; src/definition.rs says how the lines are read.
"""

import json
import re
import sys
import zipfile


def camel(name):
    return name[0].lower() + name[1:]


def line(depth, field, structs, out):
    kind = field["type"]
    array = kind.startswith("[]")
    base = kind.removeprefix("[]")
    inner = field.get("fields") or structs.get(base)
    words = [camel(field["name"]), ("[]" if array else "") + ("struct" if inner else base), field["versions"]]
    if "nullableVersions" in field:
        words.append(f"null={field['nullableVersions']}")
    if "tag" in field:
        words.append(f"tag={field['tag']}:{field['taggedVersions']}")
    # Kafka writes numbers as numbers, as text and in hexadecimal.
    default = str(field.get("default", "")).lower() if "default" in field else ""
    if default.startswith(("0x", "-0x")):
        default = str(int(default, 16))
    if default not in ("", "0", "false"):
        words.append(f"default={field['default'] if base == 'string' else default}")
    if "entityType" in field:
        words.append(f"is={field['entityType']}")
    out.append(" " * depth + " ".join(words))
    for one in inner or []:
        line(depth + 1, one, structs, out)


def main(jar):
    messages = []
    with zipfile.ZipFile(jar) as archive:
        for name in archive.namelist():
            if not re.fullmatch(r"common/(message/\w+(Request|Response)|metadata/\w+Record)\.json", name):
                continue
            text = archive.read(name).decode()
            message = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.M))
            if "apiKey" in message and message["validVersions"] != "none":
                messages.append(message)
    messages.sort(key=lambda message: (message["apiKey"], message["type"]))
    for message in messages:
        # Of the metadata log's records, which have numbers of their own.
        message["type"] = message["type"].replace("metadata", "record")
        structs = {struct["name"]: struct["fields"] for struct in message.get("commonStructs", [])}
        api = re.sub(r"(Request|Response)$", "", message["name"])
        out = [f"{message['type']} {message['apiKey']} {api} {message['validVersions']} {message['flexibleVersions']}"]
        for field in message["fields"]:
            line(1, field, structs, out)
        print("\n".join(out))


main(sys.argv[1])
