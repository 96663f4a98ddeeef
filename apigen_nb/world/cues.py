"""Words by which a sentence may say something else than it tells: negations, corrections, questions, conditions, what
was before. They only open a question; no conversation fails by them. English, German, Spanish and Chinese."""

from __future__ import annotations

import functools
import re

from .pieces import plain
from .typed_values import find_values
from .vocabulary import number_in_words

_SENTENCE_END = re.compile(r"(?<=[.!?;…])\s+(?![a-z])|(?<=[.!?])[\"')*]+\s+(?![a-z])|(?<=[。！？；])|\n+")
_NEGATION = (
    r"not|cannot|no|never|none|nor|neither|without|nothing|nobody|\w+n't|\w+n’t|except|excluding|unlike|fail\w*|wrong\w*"
    r"|incorrect\w*|false|deny|denied|nicht|kein\w*|nie|niemals|weder|ohne|nichts|ausser|außer|falsch\w*|statt|anstatt"
    r"|no|nunca|ni|ningun\w*|ningún|sin|nada|tampoco|jamás|excepto|incorrect\w+|equivocad\w+|lacks?|barely|hardly|isnt"
    r"|dont|wasnt|arent|doesnt|didnt|wont|cant|impossible|unmöglich|imposible|instead|rather|far from|anything but"
)
_CORRECTION = (
    r"sorry|apolog\w+|correction|correct(?:ed|ing)|misread|misspoke|mistak\w+|mistook|error|oops|whoops|actually|scratch"
    r"|i meant|i mean|my bad|wait|rather|hold on|on second look|let me correct|revis\w+|turns out|disregard|ignore"
    r"|korrektur|korrigier\w*|entschuldig\w+|verzeihung|versehen\w*|irrtum|geirrt|vertan|moment|doch|eigentlich|vielmehr"
    r"|tut mir leid|perd[oó]n\w*|disculp\w+|correcci[oó]n|corrij\w+|lo siento|error|equivoqu\w+|equivoc\w+|en realidad"
    r"|mejor dicho|quise decir|wrong\w*|falsch\w*|incorrect\w*|instead|stattdessen"
)
_CONDITION = (
    r"if|unless|whether|would|could|might|maybe|perhaps|possibly|probably|likely|assum\w+|suppos\w+|imagine|otherwise"
    r"|i think|i believe|i guess|seems?|appears?|unsure|uncertain|depends?|depending|once|pretend|hypothe\w+|doubt\w*"
    r"|claim\w*|you said|you say|you told|you mentioned|you asked|your note|according to you|let me check|i'll check"
    r"|for example|for instance|e\.g|such as|may(?!\s*\d)|wenn|falls|sofern|ob|würde\w*|könnte\w*|vielleicht|eventuell"
    r"|vermutlich|wahrscheinlich|möglicherweise|scheint|angenommen|sonst|sobald|zum beispiel|sie sagten|si|salvo"
    r"|podr[ií]a\w*|ser[ií]a\w*|quiz[aá]s?|tal vez|acaso|probablemente|posiblemente|parece\w*|supon\w+|por ejemplo"
    r"|a menos que|siempre que|usted dijo|creo que|pienso que"
)
_PAST = (
    r"before|previous\w*|former\w*|originally|initially|used to|had been|formerly|old|earlier|anymore|any longer"
    r"|at first|until|changed|was supposed|should have|instead of|rather than|compared|versus|vs|than"
    r"|from\b.*\bto|(?:was|were)\b.*\b(?:is|are|now|but)|(?:is|are|now)\b.*\b(?:was|were)|war(?:en)?\b.*\b(?:ist|jetzt)"
    r"|(?:era|eran|estaba)\b.*\b(?:es|son|está|ahora)"
    r"|different|other than|früher\w*|vorher\w*|zuvor|ursprünglich\w*|ehemals|bisher\w*|alte[nrs]?|als|gegenüber"
    r"|antes|anterior\w*|previamente|originalmente|inicialmente|solía\w*|que antes|en vez|en lugar|desde\b.*\bhasta"
    r"|von\b.*\bauf"
)
_CHINESE = (
    "不|没|未|无|非|别|勿|错|否|抱歉|对不起|更正|纠正|弄错|搞错|看错|其实|实际上|如果|若|假如|除非|是否|吗|呢|可能|也许|大概|或许|应该会"
    "|之前|以前|原来|原本|原先|曾|本来|而是|除了|比|改为|改成|您说|你说|例如"
)
_OPEN = rf"\b(?:{_NEGATION}|{_CORRECTION}|{_CONDITION}|{_PAST})\b|[?？¿~]|{_CHINESE}"
_CORRECTS = re.compile(
    rf"\b(?:{_CORRECTION})\b|抱歉|对不起|更正|纠正|弄错|搞错|看错|说错|其实|实际上|不对|不是", re.IGNORECASE
)
# Words right beside a value by which it is one of several, or not the very value.
_BESIDE_BEFORE = re.compile(
    r"(?:\b(?:about|around|almost|nearly|approximately|approx|roughly|some|over|under|below|above|least|most|or|between"
    r"|beyond|past|ca|circa|etwa|ungefähr|rund|fast|knapp|über|unter|mindestens|höchstens|oder|zwischen|unos|unas|casi"
    r"|aproximadamente|más de|menos de|al menos|o|u|entre|after|nach|después de|first|last)|[<>≤≥≈±]"
    r"|大约|约|超过|至少|最多|或|将近|接近|不到)[\s.$€£¥]*$",
    re.IGNORECASE,
)
_BESIDE_AFTER = re.compile(
    r"^\s*(?:\+|(?:or|oder|o|u|plus|ish)\b|或|以上|以下|左右|多|(?:to|bis)\s+\w|-\s*\d)", re.IGNORECASE
)
_LABEL = re.compile(
    r"\b(?:step|option|gate|room|line|page|section|item|order|flight|terminal|suite|unit|floor|size|version|no|number|nr"
    r"|nummer|schritt|zimmer|artikel|bestellung|paso|opción|número|artículo|pedido)[\s.]*$",
    re.IGNORECASE,
)
_TO = re.compile(r"([\w.,]+)\s*(?:\bto|\bbis|\ba|\bund|\band|至|到|-)\s*[$€£¥]?$", re.IGNORECASE)
_ASSERTED = re.compile(
    r"(?:\b(?:is|are|status|ist|sind|está|están|estado|lautet)|['’](?:s|re)|[:：=]|是|为|状态)"
    r"(?:\s+(?:now|currently|still|already|jetzt|derzeit|aktuell|ahora|actualmente))?[\s\"'“”„«*(]*$",
    re.IGNORECASE,
)
_AHEAD = re.compile(
    r"\b(?:will|shall|should|soon|going to|to be|about to|can|must|when|while|as soon as|after|wird|werden|soll\w*|bald"
    r"|kann|muss|nachdem|wenn|será\w*|debe\w*|pronto|puede\w*|cuando|everything|all|else|other|others)\b"
    r"|将|会|即将|快要|其他",
    re.IGNORECASE,
)


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)  # a large one, for which only who reads a text pays


@functools.lru_cache(maxsize=4096)
def sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Start and end of the sentences of `plain(text)`. What is within a value ends none: 10 a.m., 24. Mai."""
    values = [(value.start, value.end) for value in find_values(text) if value.end - value.start > 1]
    text, found, start = plain(text), list[tuple[int, int]](), 0
    for match in _SENTENCE_END.finditer(text):
        if not any(low < match.start() < high for low, high in values):
            found.append((start, match.end()))
            start = match.end()
    return (*found, (start, len(text))) if start < len(text) else tuple(found)


def is_open_sentence(text: str) -> bool:
    """Whether a sentence has a word by which it may say something else than it tells."""
    return _compiled(_OPEN).search(text) is not None


def corrects(text: str) -> bool:
    """Whether a sentence may take something back."""
    return _CORRECTS.search(text) is not None


def is_open_around(before: str, after: str) -> bool:
    """Whether what stands right before or after a value makes it one of several, or about so much."""
    if _BESIDE_BEFORE.search(before) or _BESIDE_AFTER.search(after):
        return True
    found = _TO.search(before)
    if found is None:
        return False
    word = found[1].casefold()
    return word[-1].isdigit() or word in "一二两三四五六七八九十" or number_in_words(word) is not None


def is_label(before: str) -> bool:
    """Whether the number behind these words names a thing and counts none: step 3."""
    return _LABEL.search(before) is not None


def is_asserted(before: str, after: str) -> bool:
    """Whether a mere word is said of something here and now, and nothing follows: "The status is pending."."""
    ends = re.match(r"[\s\"'“”)*]*(?:[.,;!。，；！]|$)", after) is not None
    return ends and bool(_ASSERTED.search(before)) and not _AHEAD.search(before + " " + after)
