"""What the generators of the built-in domains share: invented people, how they pay, and how tables are written.

All people are invented by faker. The bytes depend on its word lists, hence on its version."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random

from faker import Faker

from apigen_nb.world.toolkit import Row, Table

FAKER = "40.54.0"
"""The version of faker that made the committed data."""


def seeded(random: Random, locale: str = "en_US") -> Faker:
    """A faker whose people follow from the random numbers."""
    fake = Faker(locale)
    fake.seed_instance(random.getrandbits(32))
    return fake


def email(random: Random, first_name: str, last_name: str, number: int) -> str:
    """An e-mail address that nobody has, with two figures of the person's number."""
    name = f"{first_name}.{last_name}{number % 100:02}".lower().replace(" ", "")
    return f"{name}@example.{random.choice(('com', 'org'))}"


def phone(number: int) -> str:
    """A phone number that follows from the person's, so no two are equal."""
    return f"{200 + number // 1000 * 7}-555-{number * 7 % 10_000:04}"


def cards(random: Random, kinds: Iterable[str], number: int) -> Table:
    """A person's cards and wallets by their ids, such as visa-48213."""
    made: Table = {}
    for kind in kinds:
        row: Row = {"payment_method_id": f"{kind}-{number}", "type": "wallet" if kind == "wallet" else "card"}
        made[row["payment_method_id"]] = row
        if kind != "wallet":
            row["last_four"] = f"{random.randint(0, 9999):04}"
    return made


def write(tables: Mapping[str, Table], folder: Path) -> None:
    """Write every table as `<table>.json`, a row per line, in the order of ids; into `data` of a generator's folder
    unless the command line names another."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        rows = (
            f"{json.dumps(key)}: {json.dumps(row, ensure_ascii=False, separators=(',', ':'))}"
            for key, row in sorted(table.items())
        )
        (folder / f"{name}.json").write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


def main(tables: Mapping[str, Table], generator: str) -> None:
    """Write the tables beside a generator's file, or into the folder that the command line names."""
    write(tables, Path(sys.argv[1]) if len(sys.argv) > 1 else Path(generator).parent / "data")
