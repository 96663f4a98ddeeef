"""Personas: composed of traits, or read from a file."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.blueprints.personas import AGES, CONFLICTING_TRAITS, TRAITS, BadPersonas, compose_persona, read_personas
from apigen_nb.records import BEHAVIOURS, Behaviour


def traits_in(text: str) -> list[str]:
    """The traits that a persona names, in the order in which it does."""
    found = [(text.find(said), trait) for trait, sayings in TRAITS.items() for said in sayings if said in text]
    return [trait for _, trait in sorted(found)]


@given(st.integers(0, 10_000), st.integers(0, 9), st.sampled_from(BEHAVIOURS))
def test_a_persona_has_an_age_and_so_many_different_traits(number: int, traits: int, behaviour: Behaviour) -> None:
    text = compose_persona(Random(number), traits, behaviour)
    assert text == compose_persona(Random(number), traits, behaviour)
    assert any(text == age or text.startswith(f"{age} who ") for age in AGES)
    found = traits_in(text)
    assert len(found) == len(set(found)) == min(traits, len(TRAITS) - len(CONFLICTING_TRAITS[behaviour]))
    assert not set(found) & set(CONFLICTING_TRAITS[behaviour])
    assert found == [trait for trait in TRAITS if trait in found]


def test_traits_can_be_told_apart() -> None:
    said = [saying for sayings in TRAITS.values() for saying in sayings]
    assert len(said) == len(set(said))
    assert not [one for one in said for other in said if one != other and one in other]


def test_every_trait_comes_up() -> None:
    made = " ".join(compose_persona(Random(number), 3) for number in range(600))
    assert [said for sayings in TRAITS.values() for said in sayings if said not in made] == []
    assert [age for age in AGES if age not in made] == []


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
