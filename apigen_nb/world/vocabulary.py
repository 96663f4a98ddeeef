"""The words in which people tell values, in the languages of `LANGUAGES`: numbers, months, units, currencies, places.

Names are those of CLDR (babel); numbers in words are read by text2num, Chinese ones here. Both load when a text is
first read."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from typing import Any


def words(text: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(text.split())


LANGUAGES = ("en", "de", "es", "zh")
_DURATIONS = ("year", "month", "week", "day", "night", "hour", "minute", "second")
_QUANTITIES = (
    *("mass-tonne", "mass-kilogram", "mass-gram", "mass-milligram", "mass-pound", "mass-ounce", "length-kilometer"),
    *("length-meter", "length-centimeter", "length-millimeter", "length-mile", "length-yard", "length-foot"),
    *("length-inch", "volume-liter", "volume-milliliter", "volume-gallon", "power-watt", "power-kilowatt"),
    *("digital-terabyte", "digital-gigabyte", "digital-megabyte", "digital-kilobyte"),
)
# Short forms by which nothing else is meant; CLDR's others are letters and words as well: "in", "m", "T", "Mon.".
_SHORT = {
    **{"hr": "hour", "hrs": "hour", "h": "hour", "std": "hour", "min": "minute", "mins": "minute", "sec": "second"},
    **{"secs": "second", "yr": "year", "yrs": "year", "wk": "week", "wks": "week", "mo": "month", "mos": "month"},
    **{"kg": "kilogram", "g": "gram", "mg": "milligram", "lb": "pound", "lbs": "pound", "oz": "ounce", "t": "tonne"},
    **{"km": "kilometer", "cm": "centimeter", "mm": "millimeter", "mi": "mile", "ft": "foot", "yd": "yard"},
    **{"l": "liter", "ml": "milliliter", "gb": "gigabyte", "tb": "terabyte", "mb": "megabyte", "kb": "kilobyte"},
    **{"w": "watt", "kw": "kilowatt", "kilo": "kilogram", "kilos": "kilogram"},
    **{"个月": "month", "個月": "month", "个星期": "week", "星期": "week", "周": "week", "年": "year", "天": "day"},
    **{"小时": "hour", "个小时": "hour", "分钟": "minute", "秒": "second", "公斤": "kilogram", "晚": "night"},
}
_MONEY = {
    **{"$": "$", "us$": "USD", "ca$": "CAD", "a$": "AUD", "€": "EUR", "£": "GBP", "¥": "¥", "₹": "INR", "₩": "KRW"},
    **{"dollar": "$", "dollars": "$", "buck": "$", "bucks": "$", "dolares": "$", "euro": "EUR", "euros": "EUR"},
    **{"yen": "JPY", "yuan": "CNY", "rmb": "CNY", "renminbi": "CNY", "元": "CNY", "块": "CNY", "人民币": "CNY"},
    **{"美元": "USD", "欧元": "EUR", "英镑": "GBP", "日元": "JPY", "pfund": "GBP", "libras": "GBP", "francs": "CHF"},
    **{"franken": "CHF", "pesos": "MXN", "rupees": "INR", "quid": "GBP"},
}
CODES = words("USD EUR GBP JPY CNY CHF CAD AUD INR MXN BRL KRW SEK NOK DKK PLN CZK HKD SGD NZD ZAR HUF TWD THB")
CENTS = frozenset(("cent", "cents", "centavo", "centavos", "centimos", "pence", "¢", "分"))
PERCENT = frozenset(("%", "percent", "pct", "prozent", "porciento"))
DOLLARS = frozenset(("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN"))
_TWO = frozenset(("both", "beide", "beiden", "beides", "ambos", "ambas"))
_DOZEN = frozenset(("dozen", "dutzend", "docena", "docenas"))
HALF = frozenset(("half", "halbe", "halben", "halbes", "media", "medio", "halb", "半"))
# Articles that count where a unit follows ("a week"), and number words that are other words as well.
ARTICLES = words("a an one ein eine einen einem einer un una uno eins 一")
_OTHER_WORDS = {"once": "es", "null": "de", "elf": "de", "mil": "es", "un": "es", "o": "", "ein": "de"}
_STATES = (
    "Alabama AL,Alaska AK,Arizona AZ,Arkansas AR,California CA,Colorado CO,Connecticut CT,Delaware DE,District of "
    "Columbia DC,Florida FL,Georgia GA,Hawaii HI,Idaho ID,Illinois IL,Indiana IN,Iowa IA,Kansas KS,Kentucky KY,"
    "Louisiana LA,Maine ME,Maryland MD,Massachusetts MA,Michigan MI,Minnesota MN,Mississippi MS,Missouri MO,Montana MT,"
    "Nebraska NE,Nevada NV,New Hampshire NH,New Jersey NJ,New Mexico NM,New York NY,North Carolina NC,North Dakota ND,"
    "Ohio OH,Oklahoma OK,Oregon OR,Pennsylvania PA,Puerto Rico PR,Rhode Island RI,South Carolina SC,South Dakota SD,"
    "Tennessee TN,Texas TX,Utah UT,Vermont VT,Virginia VA,Washington WA,West Virginia WV,Wisconsin WI,Wyoming WY"
)
_COUNTRIES = {
    **{"us": "US", "usa": "US", "united states of america": "US", "the united states": "US", "america": "US"},
    **{"uk": "GB", "great britain": "GB", "grossbritannien": "GB", "gran bretana": "GB", "u s": "US", "u s a": "US"},
    **{"ee uu": "US", "uae": "AE"},
}
FUNCTION_WORDS = {
    "de": words("der die das und ist sie ihr ihre ihnen den dem nicht mit für von zum zur bis uhr wird ab"),
    "es": words("el la los las y es su sus del con para por que está tiene de en usted al una hasta"),
    "en": words("the and is you your of to for with it that on at will has have are this we in by"),
}


@functools.lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """A word without case and accents: "März" → "marz", "Straße" → "strasse"."""
    word = word.casefold()
    if word.isascii():
        return word
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


def _data() -> Iterator[tuple[str, Any]]:
    from babel import Locale

    return ((name, Locale(name)) for name in LANGUAGES)


@functools.cache
def months() -> dict[str, int]:
    """Folded name or short name → number of the month."""
    found = {"sept": 9, "maerz": 3, "jaenner": 1, "setiembre": 9}
    for _, locale in _data():
        for form in ("wide", "abbreviated"):
            for number, name in locale.months["format"][form].items():
                found.setdefault(fold(name.rstrip(".")), number)
    return {name: number for name, number in found.items() if not name[0].isdigit() and name[-1] != "月"}


@functools.cache
def weekdays() -> dict[str, int]:
    """Folded name → day of the week, Monday 0. Short names are words as well ("sun", "sat", "mar")."""
    return {fold(name): day for _, locale in _data() for day, name in locale.days["format"]["wide"].items()}


@functools.cache
def units() -> dict[str, str]:
    """Folded name, of one or more or short → the unit's English name."""
    found = dict(_SHORT)
    for language, locale in _data():
        patterns = locale._data["unit_patterns"]  # the only way to names without a number
        for unit in (*(f"duration-{name}" for name in _DURATIONS), *_QUANTITIES):
            name = unit.partition("-")[2]
            for pattern in (p for form, p in _long(patterns[unit]).items() if form != "per"):
                word = fold(pattern.replace("{0}", "").strip())
                found.setdefault(word, name)
                if language == "de" and word[-1] == "e":
                    found.setdefault(f"{word}n", name)  # the dative: in zwei Tagen
    return {word: name for word, name in found.items() if name and " " not in word} | {"feet": "foot"}


def _long(forms: dict[str, Any]) -> dict[str, str]:
    return dict(forms.get("long") or forms.get("short") or {})


@functools.cache
def currencies() -> dict[str, str]:
    """Folded name or symbol → currency: an ISO code, or "$" or "¥" where more than one is called so."""
    return _MONEY | {code.casefold(): code for code in CODES}


@functools.cache
def places() -> dict[str, frozenset[str]]:
    """Folded name of a state of the US or of a country → what it is the name of ("US-GA" and "GE" for Georgia)."""
    found: dict[str, set[str]] = {}
    for name, _, code in (state.rpartition(" ") for state in _STATES.split(",")):
        found.setdefault(fold(name), set()).add(f"US-{code}")
    for _, locale in _data():
        for code, name in locale.territories.items():
            if len(code) == 2 and code.isalpha() and code not in ("EU", "EZ", "UN", "ZZ"):
                found.setdefault(" ".join(fold(name).replace(".", " ").split()), set()).add(code)
    for name, code in _COUNTRIES.items():
        found.setdefault(name, set()).add(code)
    return {name: frozenset(codes) for name, codes in found.items()}


@functools.cache
def place_codes() -> dict[str, frozenset[str]]:
    """Code in capitals → the places that it is the code of: "DE" is Delaware's and Germany's."""
    found: dict[str, set[str]] = {"USA": {"US"}, "UK": {"GB"}}
    for codes in places().values():
        for code in codes:
            found.setdefault(code[-2:], set()).add(code)
    return {code: frozenset(codes) for code, codes in found.items()}


@functools.lru_cache(maxsize=65536)
def number_in_words(phrase: str, language: str = "") -> Decimal | None:
    """The number that words are, in any language unless one is named, or None. A word that is an everyday word of
    another language ("once" is eleven in Spanish) is a number only in its own."""
    from text_to_num import text2num

    first = _OTHER_WORDS.get(phrase)
    for name in ("en", "de", "es") if first is None else (first,):
        if first is not None and name != language:
            continue
        try:
            return Decimal(text2num(phrase, name))
        except ValueError:
            continue
    if phrase in _TWO:
        return Decimal(2)
    return Decimal(12) if phrase in _DOZEN else None


@functools.lru_cache(maxsize=4096)
def ordinal_in_words(word: str) -> int | None:
    """The day that an ordinal is ("twenty-fourth", "vierundzwanzigsten"), or None."""
    from text_to_num import alpha2digit

    for language in ("en", "de"):
        digits = alpha2digit(word, language).rstrip(".sthndr")
        if digits.isascii() and digits.isdigit() and 0 < int(digits) < 32:
            return int(digits)
    return {"first": 1, "second": 2, "ersten": 1, "erster": 1, "primero": 1, "zweiten": 2, "zweiter": 2}.get(word)


@functools.lru_cache(maxsize=4096)
def chinese_number(text: str) -> Decimal | None:
    """The number that Chinese numerals are: 四十五 → 45, 一百零五 → 105, 十二点五 → 12.5, 三万五 → 35000."""
    whole, point, fraction = text.partition("点")
    digits = [unicodedata.numeric(c.replace("两", "二").replace("〇", "零"), -1.0) for c in whole + fraction]
    if not whole or -1.0 in digits or (point and not fraction):
        return None
    decimals = "".join(f"{value:.0f}" for value in digits[len(whole) :])
    places_of = digits[: len(whole)]
    if len(places_of) > 1 and all(value < 10 for value in places_of):  # 二零二六
        value = Decimal("".join(f"{digit:.0f}" for digit in places_of))
    else:
        value = Decimal(_by_places(places_of, "零" in whole))
    return value + Decimal(f"0.{decimals}") if decimals else value


def _by_places(values: list[float], zero: bool) -> int:
    """The number whose digits and tens, hundreds, … are `values`, in their order."""
    total = part = digit = 0
    last = 1
    for value in map(int, values):
        if value < 10:
            digit = value
        elif value < 10_000:
            part, digit, last = part + (digit or 1) * value, 0, value
        else:
            total, part, digit, last = (total + part + digit) * value, 0, 0, value
    short = not zero and last >= 100 and digit  # 一千五: the last digit is of the next lower place
    return total + part + digit * (last // 10 if short else 1)
