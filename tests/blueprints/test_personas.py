"""Personas: composed of traits, or read from a file."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_nb.blueprints.personas import BadPersonas, Value, compose_persona, persona_traits, read_personas
from apigen_nb.blueprints.sampling import sample_persona
from apigen_nb.records import BEHAVIOURS, KINDS, LEVELS

TRAITS = persona_traits()
VALUES = [value for values in TRAITS.values() for value in values]
ASKED = st.tuples(st.sampled_from(BEHAVIOURS), st.sampled_from(KINDS), st.sampled_from(LEVELS))


def said_in(text: str) -> dict[str, Value]:
    """The values that a persona names, by trait."""
    return {trait: value for trait, values in TRAITS.items() for value in values if value.say in text}


@given(st.integers(0, 1_000_000), st.integers(0, 12), ASKED)
@settings(max_examples=500)
def test_a_persona_has_so_many_traits_and_none_contradicts(number: int, traits: int, asked: tuple[str, ...]) -> None:
    text = compose_persona(Random(number), traits, asked)
    assert text == compose_persona(Random(number), traits, asked)
    found = said_in(text)
    assert text.startswith(found["occupation"].say)
    assert len(found) == 1 + min(traits, len(TRAITS) - 1)
    assert not [value for value in found.values() if value.unless.intersection(asked)]
    assert not [(a, b) for a in found.values() for b in found.values() if a.unless & b.marks]


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", LEVELS)
def test_no_excluded_pair_occurs_whatever_is_asked_for(behaviour: str, kind: str, level: str) -> None:
    asked = {behaviour, kind, level}
    for number in range(40):
        found = said_in(compose_persona(Random(number), len(TRAITS), asked)).values()
        assert asked.union(*(value.marks for value in found)).isdisjoint(frozenset().union(*(v.unless for v in found)))


def test_conditions_name_what_there_is() -> None:
    marks = frozenset().union(*(value.marks for value in VALUES))
    known = {*BEHAVIOURS, *KINDS, *LEVELS, *marks}
    assert [value for value in VALUES if not value.unless <= known or value.unless & value.marks] == []
    assert marks.isdisjoint({*BEHAVIOURS, *KINDS, *LEVELS})
    prepared = next(value for value in VALUES if value.say == "has prepared the details")
    assert {"missing detail", "forgetful"} <= prepared.unless


def test_values_can_be_told_apart_and_hold_no_figure() -> None:
    said = [value.say for value in VALUES]
    assert len(said) == len(set(said))
    assert not [one for one in said for other in said if one != other and one in other]
    assert [text for text in said if not re.fullmatch(r"[a-zé’' ,-]+", text, re.I)] == []


def test_every_value_comes_up() -> None:
    made = " ".join(compose_persona(Random(number), 5) for number in range(1_500))
    assert [value.say for value in VALUES if value.say not in made] == []


def test_a_persona_is_short_and_seldom_one_that_was() -> None:
    made = [sample_persona(Random(number), ("cooperative", "plain", "medium")) for number in range(2_000)]
    assert len(set(made)) > 1_900
    assert max(len(text.split()) for text in made) <= 70


def test_without_a_file_there_are_none() -> None:
    assert read_personas(None) == ()


def test_both_forms_are_read_and_empty_lines_are_not(tmp_path: Path) -> None:
    path = tmp_path / "personas.jsonl"
    path.write_text(
        '"a baker"\n\n{"persona": "a nurse,\\n on nights"}\n {"persona": "Zoë", "more": 1}\n', encoding="utf-8"
    )
    assert read_personas(path) == ("a baker", "a nurse, on nights", "Zoë")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a baker", "line 2: not JSON: 'a baker'; expected"),
        ("3", 'line 2: expected "text" or {"persona": "text"}, found 3'),
        ("[1]", "line 2: expected .* found"),
        ("null", "line 2: expected .* found null"),
        ('" "', "line 2: expected"),
        ('{"text": "a baker"}', 'line 2: expected .* found {"text": "a baker"}'),
        ('{"persona": 3}', "line 2: expected"),
        ("[" * 100_000, "line 2: not JSON"),
        (f'"{"x" * 2_001}"', "line 2: a persona of 2,001 characters; at most 2,000 are taken"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "personas.jsonl"
    path.write_text(f'"a baker"\n{line}\n')
    with pytest.raises(
        BadPersonas, match=said if "{" not in said else re.escape(said).replace(r"\.\*", ".*")
    ) as caught:
        read_personas(path)
    assert len(str(caught.value)) < 400


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n\n")
    (tmp_path / "latin.jsonl").write_bytes(b'"\xe9"')
    for name, said in (
        ("empty.jsonl", "holds no persona"),
        ("latin.jsonl", "cannot be read"),
        ("none.jsonl", "no such"),
    ):
        with pytest.raises(BadPersonas, match=said):
            read_personas(tmp_path / name)
    with pytest.raises(BadPersonas, match="cannot be read"):
        read_personas(tmp_path)
