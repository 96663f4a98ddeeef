"""Where Heronway Air flies, in which planes and at which fares: the lists `generate` draws from."""

from __future__ import annotations

from typing import Any

AIRPORTS = {
    "ADM": "Aldermere",
    "BKW": "Brackwater",
    "CSP": "Castlespring",
    "DVM": "Dovemoor",
    "ELB": "Ellbridge",
    "FRH": "Ferris Haven",
    "GLN": "Glenholt",
    "MRB": "Marlbrook",
    "QNF": "Quinfield",
    "TSW": "Tarswick",
}
"""Code → city; all invented."""

PAIRS = {
    ("ADM", "BKW"): (70, 64),
    ("ADM", "CSP"): (95, 82),
    ("ADM", "DVM"): (130, 118),
    ("ADM", "ELB"): (155, 139),
    ("ADM", "FRH"): (210, 188),
    ("ADM", "GLN"): (265, 236),
    ("ADM", "MRB"): (85, 76),
    ("ADM", "QNF"): (180, 161),
    ("ADM", "TSW"): (320, 294),
    ("CSP", "DVM"): (75, 69),
    ("CSP", "GLN"): (190, 172),
    ("CSP", "TSW"): (245, 221),
    ("FRH", "MRB"): (140, 127),
}
"""Pair of airports with direct flights both ways → minutes in the air, and the usual price in economy."""

_FARE_FIELDS = ("fare", "price_percent", "changeable", "change_fee", "refundable", "cancel_fee", "free_bags")
_FARES = (
    ("saver", 100, False, 0.0, False, 0.0, 0),
    ("classic", 130, True, 60.0, True, 80.0, 1),
    ("flex", 175, True, 0.0, True, 0.0, 2),
)
FARES: dict[str, dict[str, Any]] = {str(fare[0]): dict(zip(_FARE_FIELDS, fare, strict=True)) for fare in _FARES}
BUSINESS_ROWS, ECONOMY_ROWS = range(1, 5), range(8, 25)
SEATS = {
    "business": [f"{row}{letter}" for row in BUSINESS_ROWS for letter in "ACDF"],
    "economy": [f"{row}{letter}" for row in ECONOMY_ROWS for letter in "ABCDEF"],
}
"""Cabin → all seats of the plane, from front to back."""

CAUSES = ("technical", "crew", "weather")
