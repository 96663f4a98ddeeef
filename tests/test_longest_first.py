"""What takes longest begins first, and every module that is named is there."""

from pathlib import Path
from types import SimpleNamespace

from tests.longest_first import APART, LONG, LongestFirst, order

ROOT = Path(__file__).parent.parent


def test_named_modules_are_there() -> None:
    assert [name for name in LONG if not (ROOT / name).is_file()] == []
    assert set(APART) <= set(LONG)


def test_long_modules_come_first_and_others_as_they_were() -> None:
    names = ["tests/a.py::x", f"{LONG[1]}::y", f"{LONG[1]}::x", "tests/b.py::x", f"{LONG[0]}::x"]
    items = [SimpleNamespace(nodeid=name) for name in names]
    order(items)  # type: ignore[arg-type]
    assert [item.nodeid for item in items] == [names[4], names[1], names[2], names[0], names[3]]


def test_tests_that_share_nothing_are_handed_out_one_by_one() -> None:
    scope = LongestFirst._split_scope
    one, two = f"{APART[0]}::test[a::b]", "tests/a.py::test[a::b]"
    assert (scope(None, one), scope(None, two)) == (one, "tests/a.py")  # type: ignore[arg-type]
