"""``python -m benchmarks.sizes --size 20000``: what rows weigh on disk with their indexes; its last line is JSON.

People come from a file, events and messages from the services that make them; each figure is what the tables have grown
by, divided by the rows that were added. The messages are really sent, to a receiver that throws them away.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.run import prepare, say


def weight(prefixes: tuple[str, ...]) -> int:
    """Bytes of the tables whose names begin so, with their indexes and long values, after a VACUUM."""
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute(
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c "
            "WHERE c.relkind = 'r' AND c.relname ~ %s",
            [f"^({'|'.join(prefixes)})"],
        )
        return int(cursor.fetchone()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=20_000, help="number of people")
    size = parser.parse_args().size
    prepare()
    from benchmarks import clinic, importing, limits, people, sending

    figures: dict[str, Any] = {"size": size}
    with tempfile.TemporaryDirectory(prefix="carelane-sizes-") as name:
        folder = Path(name)
        empty = weight(("contacts", "audit"))
        people.write_people(folder / "people.csv", 0, size, "bench.test")
        importing._import(folder / "people.csv", size, before=0)
        imported = weight(("contacts", "audit"))
        figures["person"] = round((imported - empty) / size)
        say(f"{figures['person']} bytes a person")
        recorded = importing._events(size, 0)
        figures["event"] = round((weight(("contacts", "audit")) - imported) / recorded)
        say(f"{figures['event']} bytes an event")

        from apps.content import services as content
        from apps.segments import services as segments

        made = clinic.ready(size, folder, say)
        adults = {"match": "all", "rules": [{"field": "age", "op": "at_least", "from": 18}]}
        segments.segment_save(actor=made.author, name=sending.SEGMENT, rule=adults)
        content.template_create(actor=made.author, name=sending.TEMPLATE, data=sending.DESIGN)
        expected = sending.Expected.read(folder / "people.csv")
        tables = ("delivery", "campaigns", "tracking", "content", "audit")
        before = weight(tables)
        with limits.sink(folder) as port, sending.workers(port) as crew:
            sending._prepared(made, expected, "sizes", port)
            sending._dispatched(crew)
        figures["message"] = round((weight(tables) - before) / len(expected.granted))
        say(f"{figures['message']} bytes a message of about 10 kB")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
