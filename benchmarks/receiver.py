"""An SMTP server that reads every message and compares it with the person it belongs to.

``python -m benchmarks.receiver PORT PEOPLE.csv OUT``: knows the people from the file that was imported and nothing
of the product. Writes a JSON line for each message: ``to``, ``sha256`` (of the content without signatures) and
``wrong`` (empty when the message is theirs).
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import html
import json
import sys
from datetime import date
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any, TextIO

from aiosmtpd.smtp import SMTP


class Checker:
    """A handler of aiosmtpd that keeps what it finds out, not the message."""

    def __init__(self, people: dict[str, dict[str, str]], out: TextIO) -> None:
        self.people, self.out = people, out

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        """One message came in."""
        content: bytes = envelope.original_content
        wrong = ""
        if len(envelope.rcpt_tos) != 1:
            wrong = "not one recipient"
        to = envelope.rcpt_tos[0]
        person = self.people.get(to)
        wrong = wrong or ("nobody's mailbox" if person is None else wrong_with(content, to, person))
        line = {"to": to, "sha256": hashlib.sha256(unsigned(content)).hexdigest(), "wrong": wrong}
        line["bytes"] = len(content)
        self.out.write(json.dumps(line) + "\n")
        self.out.flush()
        return "250 2.0.0 taken"


def unsigned(content: bytes) -> bytes:
    """The content without the DKIM-Signature fields before it (a field goes on where a line begins with a blank)."""
    while content.startswith(b"DKIM-Signature:"):
        end = content.index(b"\r\n") + 2
        while content[end : end + 1] in (b" ", b"\t"):
            end = content.index(b"\r\n", end) + 2
        content = content[end:]
    return content


def wrong_with(content: bytes, to: str, person: dict[str, str]) -> str:
    """What is not this person's in the message, or ""."""
    message = message_from_bytes(content)
    header = str(make_header(decode_header(message["To"])))
    if not header.endswith(f"<{to}>") or person["Last"] not in header:
        return "the To field"
    parts = {part.get_content_type(): part for part in message.walk() if not part.is_multipart()}
    if set(parts) != {"text/plain", "text/html"}:
        return "the parts"
    for kind, part in parts.items():
        text = part.get_payload(decode=True).decode("utf-8")  # type: ignore[union-attr]
        text = " ".join((html.unescape(text) if kind == "text/html" else text).split())
        born = date.fromisoformat(person["Born"])
        number = int(person["MRN"][1:])
        for fact in (
            person["First"],
            f"{person['First']} {person['Last']}",
            person["MRN"],
            f"{born:%B} {born.day}, {born.year}",
            person["City"],
            f"Room {number}-0",
            f"Room {number}-1",
        ):
            if fact not in text:
                return f"{kind} lacks a fact"
        if ("Hablamos" in text) is not (person["Language"] == "es"):
            return f"{kind} took the wrong branch"
    return ""


async def serve(port: int, people: dict[str, dict[str, str]], out: TextIO) -> None:
    """Until the process is ended."""
    checker = Checker(people, out)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(checker, hostname="bench.test"), "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main(port: str, source: str, target: str) -> None:
    with Path(source).open(newline="", encoding="utf-8") as file:
        people = {row["Email"]: row for row in csv.DictReader(file)}
    with Path(target).open("w", encoding="utf-8") as out:
        asyncio.run(serve(int(port), people, out))


if __name__ == "__main__":
    main(*sys.argv[1:4])
