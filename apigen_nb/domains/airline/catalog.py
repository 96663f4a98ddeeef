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

FARES: dict[str, dict[str, Any]] = {
    "saver": {
        "fare": "saver",
        "price_percent": 100,
        "changeable": False,
        "change_fee": 0.0,
        "refundable": False,
        "cancel_fee": 0.0,
        "free_bags": 0,
    },
    "classic": {
        "fare": "classic",
        "price_percent": 130,
        "changeable": True,
        "change_fee": 60.0,
        "refundable": True,
        "cancel_fee": 80.0,
        "free_bags": 1,
    },
    "flex": {
        "fare": "flex",
        "price_percent": 175,
        "changeable": True,
        "change_fee": 0.0,
        "refundable": True,
        "cancel_fee": 0.0,
        "free_bags": 2,
    },
}
BUSINESS_ROWS, ECONOMY_ROWS = range(1, 5), range(8, 25)
SEATS = {
    "business": [f"{row}{letter}" for row in BUSINESS_ROWS for letter in "ACDF"],
    "economy": [f"{row}{letter}" for row in ECONOMY_ROWS for letter in "ABCDEF"],
}
"""Cabin → all seats of the plane, from front to back."""

CAUSES = ("technical", "crew", "weather")
