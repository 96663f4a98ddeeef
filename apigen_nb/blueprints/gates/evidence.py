"""What of the records bears on a task, for those who read it: the rows that it names, what its ids stand for, and where
each output stands, before and after the actions (ours; the paper's judges see the task and its diff)."""

from __future__ import annotations

import functools
import re
from collections.abc import Container, Iterable, Iterator
from typing import Any, NamedTuple

from ...records import Blueprint, canonical
from ...world.descriptions import identified, own_id, stem, texts
from ...world.domain import Domain
from ...world.user_records import catalogue, own_rows, owners, user_records
from ...world.values import SCALARS, argument_values, mentions, singular
from .derivation import known_form, parts_of
from .execution import Execution
from .grounding import POLICY, ground

BUDGET = 6_000  # characters of JSON of the rows that are shown, about 2k tokens
MAX_PLACES = 4  # at which an output is shown to stand
FEW = 3  # entries of a list that are shown whatever they are; rows that have a part with an id
MAX_FIELDS = 4  # that tell what an id stands for
_PART = re.compile(r"\[([^\]]+)\]")  # of a path
Tables = dict[str, dict[str, Any]]
Row = tuple[str, str]  # table and id


class Place(NamedTuple):
    """A scalar in a row of the records, by the path to it."""

    row: Row
    path: str
    value: Any


def bearing_records(blueprint: Blueprint, domain: Domain, budget: int = BUDGET) -> Tables:
    """Rows as they stand before the actions, table → id → row, until the budget of characters is spent: the user's own
    row, those that calls and instruction name, one where each output stands, then the user's others, of the same tables
    first: is it the only one that is meant? A named row that does not fit is cut down to what the task names in it."""
    named = _named(blueprint, domain)
    places = (_places_of(output, blueprint, domain, named)[:1] for output in blueprint.outputs)
    rows = dict.fromkeys([(domain.users, blueprint.user), *named, *(place.row for found in places for place in found)])
    tables = {table for table, _ in rows}
    others = [(table, key) for table, of in own_rows(domain, blueprint.user).items() for key in of]
    wanted = {str(value) for _, value in argument_values(*blueprint.actions, *blueprint.denied)}
    found, spent = Tables(), 0
    for table, key in dict.fromkeys([*rows, *sorted(others, key=lambda row: row[0] not in tables)]):
        if key not in domain.tables[table]:
            continue  # nobody's user
        row = domain.dump(domain.tables[table][key])
        size = len(canonical(row))
        if spent + size > budget and (table, key) in rows:
            size = len(canonical(row := _cut(row, wanted)))
        if spent + size <= budget:
            found.setdefault(table, {})[key], spent = row, spent + size
    return found


def _named(blueprint: Blueprint, domain: Domain) -> dict[Row, None]:
    """The rows that the calls and the instruction name by an id, their own or that of a part."""
    values = [str(value) for _, value in argument_values(*blueprint.actions, *blueprint.denied)]
    words = {word.rstrip(".:!?") for word in re.findall(r"[^\s,;()\"']+", blueprint.instruction)}
    ids = (value for value in (*values, *sorted(words)))
    return dict.fromkeys(row for value in ids for row in _rows_with(value, domain, blueprint.user))


def _rows_with(value: str, domain: Domain, user: str) -> list[Row]:
    """The rows with this id, and those of the user's or of the catalogue that have a part with it, unless a part of
    many is called so ("economy")."""
    rows = [(table, value) for table, rows in domain.tables.items() if value in rows]
    parts = [*_parts_of_user(domain, user).get(value, ()), *_parts_in_catalogue(domain).get(value, ())]
    return [*rows, *(parts if len(parts) <= FEW else ())]


@functools.lru_cache(maxsize=64)
def _of_user(domain: Domain, user: str) -> Tables:
    """The user's rows and those that they name."""
    found = {table: dict(rows) for table, rows in own_rows(domain, user).items()}
    for table, rows in user_records(domain, user).items():
        found[table] = found.get(table, {}) | rows
    return found


@functools.lru_cache(maxsize=64)
def _parts_of_user(domain: Domain, user: str) -> dict[str, list[Row]]:
    return _parts_in(_of_user(domain, user))


@functools.lru_cache(maxsize=8)
def _parts_in_catalogue(domain: Domain) -> dict[str, list[Row]]:
    return _parts_in(catalogue(domain))


def _parts_in(tables: Tables) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for table, rows in tables.items():
        for key, row in rows.items():
            for _, part, _, _ in identified({table: {key: row}}):
                if part != key:
                    found.setdefault(part, []).append((table, key))
    return found


def _cut(value: Any, wanted: set[str]) -> Any:
    """A value whose lists of objects, and objects of objects, hold only what names something wanted."""
    if isinstance(value, dict):
        many = len(value) > FEW and all(isinstance(part, dict) for part in value.values())
        kept = {k: p for k, p in value.items() if not many or k in wanted or wanted & {*texts(p, keys=True)}}
        return {k: _cut(p, wanted) for k, p in kept.items()} | _left_out(len(value) - len(kept))
    if isinstance(value, list) and len(value) > FEW and all(isinstance(part, dict) for part in value):
        shown = [part for part in value if wanted & {*texts(part, keys=True)}]
        return [*(_cut(part, wanted) for part in shown), _left_out(len(value) - len(shown))]
    return value


def _left_out(count: int) -> dict[str, str]:
    return {"…": f"{count} more"} if count else {}


# --- what ids stand for


def meanings_of_ids(blueprint: Blueprint, domain: Domain) -> dict[str, str]:
    """Id in an argument → what it stands for: what kind of thing, its plain fields, and whose it is if another's."""
    values = {value: None for _, value in argument_values(*blueprint.actions, *blueprint.denied)}
    found = {value: _meaning(value, blueprint.user, domain) for value in values if isinstance(value, str)}
    return {value: meaning for value, meaning in found.items() if meaning}


def _meaning(value: str, user: str, domain: Domain) -> str:
    fields, kinds = dict[str, Any](), dict[str, None]()
    rows = _rows_with(value, domain, user)
    if not owners(domain, value):  # of a flight of everybody's, what one booking says of its own seat is no answer
        rows = [row for row in rows if row[1] == value] or rows
    # what other rows call their part comes first
    for table, key in dict.fromkeys(reversed(rows)):
        for kind, part, holder, _ in identified({table: {key: domain.dump(domain.tables[table][key])}}):
            if part == value:
                kinds.setdefault(kind.replace("_", " "))
                known = {value, user, *fields.values()}
                fields |= {k: v for k, v in holder.items() if isinstance(v, SCALARS) and v not in known}
    if not kinds:
        return ""
    told = ", ".join(f"{name} {field}" for name, field in list(fields.items())[:MAX_FIELDS])
    others = sorted(owners(domain, value) - {user}) if user not in owners(domain, value) else []
    whose = f"; belongs to {', '.join(others)}, not to this customer" if others and value != user else ""
    return f"{' / '.join(kinds)}{f': {told}' if told else ''}{whose}"


# --- where outputs stand


def origins_of_outputs(blueprint: Blueprint, domain: Domain, execution: Execution) -> dict[str, str]:
    """Output → where it stands in the records and in what the actions changed, before and after them, and by what an
    agent comes to it: see `grounding.ground`."""
    grounding = ground(blueprint, domain)
    sources = grounding.sources if grounding else {}
    named, told = _named(blueprint, domain), dict[str, str]()
    for output in blueprint.outputs:
        if sources.get(output) == POLICY:
            lines = (" ".join(line.split()) for line in re.split(r"\n\s*\n|\n(?=\s*[-*#])", domain.policy))
            places = [f"policy: {line.rstrip('.')}" for line in lines if mentions(line, output)]
        else:
            before = _places_of(output, blueprint, domain, named)
            places = [*_before(before, execution), *_only_after(output, execution)]
        more = f"; and {len(places) - MAX_PLACES} places more" if len(places) > MAX_PLACES else ""
        reached = f" An agent first comes to it by {sources[output]}." if output in sources else ""
        told[output] = f"{'; '.join(places[:MAX_PLACES]) or 'no field of the records has it'}{more}.{reached}"
    return told


def _before(places: Iterable[Place], execution: Execution) -> Iterator[str]:
    """Places before the actions, with what stands there after them where that is something else."""
    changed = {(change.table, change.id): dict(_scalars(change.after)) for change in execution.diff}
    for place in places:
        after = changed[place.row].get(place.path) if place.row in changed else place.value
        now = "nothing" if after is None else after
        then = "" if after == place.value else f" before the actions, after them {now}"
        yield f"{'/'.join(place.row)} {place.path}{then}"


def _only_after(output: str, execution: Execution) -> Iterator[str]:
    for change in execution.diff:
        before = dict(_scalars(change.before))
        for path, value in _scalars(change.after):
            if before.get(path) != value and _is(output, value):
                was = f", before them {before[path]}" if path in before else ""
                yield f"{change.table}/{change.id} {path} after the actions{was}"


def place_asked_for(output: str, blueprint: Blueprint, domain: Domain) -> Place | None:
    """The place in the rows around a user where an output stands, if the instruction names this row, this field and
    whatever part of the row it is a field of, and no others that hold it."""
    named, said, instruction = _named(blueprint, domain), _said(blueprint), blueprint.instruction
    places = (p for p in _places_of(output, blueprint, domain, named) if not any(_unlikely(p, said, named)))
    found = [place for place in places if all(part in instruction for part in _PART.findall(place.path))]
    return found[0] if len(found) == 1 else None


def _places_of(output: str, blueprint: Blueprint, domain: Domain, named: Container[Row]) -> list[Place]:
    """Where an output stands in the rows around a user: first in those that are named, in fields that are."""
    exact, longer = _places(domain, blueprint.user)
    form, said = known_form(output), _said(blueprint)
    worded = (place for place in longer if known_form(place.value) != form and _is(output, place.value))
    return sorted([*exact.get(form, ()), *worded], key=lambda place: _unlikely(place, said, named))


def _said(blueprint: Blueprint) -> set[str]:
    return {*map(stem, re.findall(r"[a-z]+", blueprint.instruction.casefold()))}


def _unlikely(place: Place, said: set[str], named: Container[Row]) -> tuple[bool, bool]:
    """Whether an instruction of these words names neither the row of a place nor the field."""
    return place.row not in named, said.isdisjoint(map(stem, re.findall("[a-z]+", place.path.rpartition(".")[2])))


@functools.lru_cache(maxsize=64)
def _places(domain: Domain, user: str) -> tuple[dict[Any, list[Place]], list[Place]]:
    """Value → where it stands in the rows around a user; and the places of texts of several words and of moments."""
    exact: dict[Any, list[Place]] = {}
    longer: list[Place] = []
    for table, rows in _of_user(domain, user).items():
        for key, row in rows.items():
            for path, value in _scalars(row):
                exact.setdefault(known_form(value), []).append(place := Place((table, key), path, value))
                longer += [place] if isinstance(value, str) and (" " in value or parts_of(value)) else []
    return exact, longer


def _is(output: str, value: Any) -> bool:
    """Whether an output is a value, words of it, or the day or the time of a moment."""
    wanted = known_form(output)
    if wanted == known_form(value) or wanted in parts_of(str(value)):
        return True
    return isinstance(value, str) and isinstance(wanted, str) and " " in value and mentions(value, output)


def _scalars(value: Any, path: str = "", key: str = "") -> Iterator[tuple[str, Any]]:
    """Path and value of every scalar but booleans; an item of a list goes by its id or its number."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _scalars(part, f"{path}.{name}" if path else str(name), str(name))
    elif isinstance(value, list):
        for number, part in enumerate(value, 1):
            name = (own_id(singular(key), part) if isinstance(part, dict) else "") or number
            yield from _scalars(part, f"{path}[{name}]", key)
    elif isinstance(value, SCALARS) and not isinstance(value, bool):
        yield path, value
