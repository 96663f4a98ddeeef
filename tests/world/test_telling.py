"""Values in what people say are compared by their type: what tells them, and what leaves them open."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.world.pieces import plain
from apigen_nb.world.telling import telling, tells
from apigen_nb.world.typed_values import find_values

TOLD = [
    # dates
    ("2026-05-24", "It should reach you on May 24, 2026."),
    ("2026-05-24", "It arrives on 24 May."),
    ("2026-05-24", "It arrives on the 24th of May."),
    ("2026-05-24", "Expected by Sunday, May 24th."),
    ("2026-05-24", "Expected: 05/24/2026."),
    ("2026-05-24", "Expected: 2026/05/24."),
    ("2026-05-24", "It arrives on the twenty-fourth of May."),
    ("2026-05-24", "Es kommt am 24. Mai 2026."),
    ("2026-05-24", "Es kommt am Sonntag, den 24. Mai."),
    ("2026-05-24", "Es kommt am 24.05.2026."),
    ("2026-05-24", "Es kommt am 24.05. zu Ihnen."),
    ("2026-05-24", "Llega el 24 de mayo de 2026."),
    ("2026-05-24", "Llega el domingo 24 de mayo."),
    ("2026-05-24", "您的包裹将于5月24日送达。"),
    ("2026-05-24", "预计2026年5月24日送到。"),
    ("2026-05-24", "预计五月二十四日送到。"),
    ("2026-03-01", "Es kommt am 1. März."),
    ("May 24", "The expected date is 2026-05-24."),
    ("May 2026", "The card expires in May 2026."),
    ("2026-05", "It expires in May 2026."),
    # times and moments
    ("10:00", "The desk opens at 10 a.m."),
    ("10:00", "The desk opens at 10am sharp."),
    ("17:00", "The desk closes at 5pm."),
    ("17:00", "The desk closes at 5 in the afternoon."),
    ("14:30", "Wir öffnen um 14.30 Uhr."),
    ("14:00", "Wir öffnen um 14 Uhr."),
    ("14:30", "Abrimos a las 2:30 de la tarde."),
    ("14:30", "我们下午2点30分开门。"),
    ("14:30:00", "It starts at 2:30 PM."),
    ("12:00", "The desk opens at noon."),
    ("10:00", "It opens at 10 o'clock."),
    ("2026-06-11T14:30", "It was made on June 11 at 2:30 PM."),
    ("2026-06-11T14:30", "It was made at 2:30 PM on June 11, 2026."),
    ("2026-06-11 14:30", "Es war am 11. Juni um 14:30 Uhr."),
    # durations and quantities
    ("24 months", "The warranty runs for two years."),
    ("24 months", "Die Garantie gilt zwei Jahre."),
    ("24 months", "La garantía es de dos años."),
    ("24 months", "保修期为两年。"),
    ("24 months", "保修期为二十四个月。"),
    ("30 days", "There is a thirty-day window for that."),
    ("30 days", "There is a 30-day window for that."),
    ("45 days", "Gold-Mitglieder haben fünfundvierzig Tage."),
    ("45 days", "Tiene cuarenta y cinco días."),
    ("45 days", "您有四十五天。"),
    ("7 days", "You have a week for that."),
    ("48 hours", "It takes two days."),
    ("90 minutes", "It takes an hour and a half."),
    ("30 minutes", "It takes half an hour."),
    ("18 months", "It runs for 1 year and 6 months."),
    ("2 business days", "It takes two business days."),
    ("3 kg", "It weighs three kilograms."),
    ("3 kg", "It weighs 3kg."),
    # money
    ("266.3", "The total is $266.30."),
    ("1250.5", "That comes to 1,250 dollars and 50 cents."),
    ("$1250.50", "Das macht 1.250,50 $."),
    ("€1250.50", "Das macht 1.250,50 €."),
    ("1250.5", "Das macht 1.250,50 Euro."),
    ("1250", "El total es de 1.250 euros."),
    ("490", "You will have four hundred and ninety dollars on it."),
    ("$490", "That's 490 bucks."),
    ("$490", "The price is USD 490."),
    ("$490", "The total is 490.00."),
    ("$0.50", "The fee is 50 cents."),
    ("¥490", "总共490元。"),
    ("490", "总共四百九十元。"),
    ("$11.00", "$11 will be left on the card."),
    ("-6.5", "The difference is -$6.50."),
    # percentages, counts, numbers
    ("12.5%", "You saved 12.5 percent."),
    ("12.5%", "Sie sparen 12,5 Prozent."),
    ("12.5%", "Ahorra el 12,5 por ciento."),
    ("12.5%", "您节省了百分之十二点五。"),
    ("3", "You have three open orders."),
    ("3", "Sie haben drei offene Bestellungen."),
    ("3", "Tiene tres pedidos."),
    ("3", "您有三个订单。"),
    ("2", "Both of your orders are on their way."),
    ("12", "There are a dozen of them."),
    ("6", "There are half a dozen of them."),
    ("1500", "You have fifteen hundred points."),
    ("1500", "You have 1.5k points."),
    ("1500", "You have 1.5 thousand points."),
    ("1250", "You have 1,250 points."),
    ("1250", "Sie haben 1.250 Punkte auf der Karte."),
    ("11 points", "You have eleven points."),
    # identifiers and telephone numbers
    ("#R12030", "Your order R12030 is packed."),
    ("SH-28140", "The shipment is SH28140."),
    ("SH28140", "The shipment is SH-28140."),
    ("0044", "It went to the card ending in 0044."),
    ("0044", "Die Karte endet auf 0044."),
    ("#7312", "It is the card ending in 7312."),
    ("48213-3", "It is item 48213-3."),
    ("+1 555 010 1234", "Call us at (555) 010-1234."),
    ("555-010-1234", "Call us at 555 010 1234."),
    # places and words
    ("Dubuque, IA", "It goes to Dubuque, Iowa."),
    ("Dubuque, Iowa", "It goes to Dubuque, IA 52001."),
    ("US", "It ships from the United States."),
    ("USA", "It ships from the US."),
    ("Germany", "Es kommt aus Deutschland."),
    ("Two Rivers", "TWO RIVERS carries it."),
    ("Gooseneck Kettle", "The gooseneck kettles are in stock."),
    ("12 Main St.", "It goes to 12 Main Street."),
    ("12 Main Street, Apt 4B", "It goes to 12 Main St., Apartment 4B."),
    ("in transit", "The parcel is in-transit."),
    ("in_transit", "The parcel is in transit."),
    ("Grey Mug", "You bought a Gray Mug."),
    ("cancelled", "The order is canceled."),
    ("joe.wong17@example.org", "Your address is joe.wong17@example.org."),
]

NOT_TOLD = [
    ("2026-05-24", "It should reach you on May 25."),
    ("2026-05-24", "It should reach you on June 24."),
    ("2026-05-24", "It should reach you on May 24, 2025."),
    ("2026-05-24", "It arrives on Monday, May 24."),
    ("2026-05-24", "It arrives in May 2026."),
    ("2026-05-24", "Es kommt am 25. Mai."),
    ("2026-05-24", "Llega el 24 de junio."),
    ("2026-05-24", "预计5月25日送到。"),
    ("March 3", "That was on March 30."),
    ("10:00", "The desk opens at 10 p.m."),
    ("10:00", "The desk opens at 10:30."),
    ("5", "The desk closes at 5 pm."),
    ("5", "It is May 5."),
    ("5", "You saved 5%."),
    ("5", "It weighs 5 kg."),
    ("5", "You have 5 days."),
    ("3", "That was on March 3."),
    ("3", "It is item 48213-3."),
    ("3", "You have thirteen open orders."),
    ("3", "您有十三个订单。"),
    ("1", "我们一起看看。"),
    ("10", "我十分抱歉。"),
    ("1", "This is the one that you ordered."),
    ("2", "1. Kettle\n2. Mug"),
    ("11", "You come once a day."),
    ("20", "Bags weigh 20-25 in all."),
    ("266.3", "The total is $2,266.30."),
    ("11", "$11.50 will be left on the card."),
    ("55", "Your balance is $155."),
    ("$11.00", "You have 11 points."),
    ("$490", "The price is €490."),
    ("$490", "The price is 490 kg."),
    ("1250", "The rate is 1.250 today."),
    ("12.5%", "You saved 12.5 dollars."),
    ("24 months", "The warranty runs for two months."),
    ("24 months", "The warranty runs for 24 days."),
    ("2 days", "It takes two business days."),
    ("30 days", "It takes 130 days."),
    ("#R12030", "Your order #R12031 is packed."),
    ("#R12030", "Your order #R120301 is packed."),
    ("0044", "It is $10044."),
    ("R1203", "Your order #R12030 is packed."),
    ("Dubuque, IA", "It goes to Dubuque, Illinois."),
    ("IN", "It is in the box or with me."),
    ("delivered", "It was undelivered."),
    ("refundable", "It is non-refundable."),
    ("Two Rivers", "Three Rivers carries it."),
]


@pytest.mark.parametrize(("output", "text"), TOLD)
def test_what_tells_a_value(output: str, text: str) -> None:
    assert tells(text, output)
    assert telling([text], output) != "not told"


@pytest.mark.parametrize(("output", "text"), NOT_TOLD)
def test_what_does_not_tell_a_value(output: str, text: str) -> None:
    assert not tells(text, output)
    assert telling([text], output) != "told"


# --- whatever way a value is said, it is told, and no other value of its type is

days = st.dates(datetime.date(2000, 1, 1), datetime.date(2099, 12, 31))
ENGLISH = "January February March April May June July August September October November December"
GERMAN = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
SPANISH = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
MONTHS = {"en": ENGLISH.split(), "de": GERMAN.split(), "es": SPANISH.split()}
DATES = {
    "iso": lambda d: f"It arrives on {d.isoformat()}.",
    "month first": lambda d: f"It arrives on {MONTHS['en'][d.month - 1]} {d.day}, {d.year}.",
    "short": lambda d: f"It arrives on {MONTHS['en'][d.month - 1][:3]} {d.day}, {d.year}.",
    "day first": lambda d: f"It arrives on {d.day} {MONTHS['en'][d.month - 1]} {d.year}.",
    "ordinal": lambda d: f"It arrives on the {ordinal(d.day)} of {MONTHS['en'][d.month - 1]}, {d.year}.",
    "figures": lambda d: f"It arrives on {d.month:02}/{d.day:02}/{d.year}.",
    "German": lambda d: f"Sie kommt am {d.day}. {MONTHS['de'][d.month - 1]} {d.year}.",
    "German figures": lambda d: f"Sie kommt am {d.day:02}.{d.month:02}.{d.year}.",
    "Spanish": lambda d: f"Llega el {d.day} de {MONTHS['es'][d.month - 1]} de {d.year}.",
    "Chinese": lambda d: f"将于{d.year}年{d.month}月{d.day}日送达。",
}


def ordinal(day: int) -> str:
    return f"{day}{'th' if 10 < day < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


@given(days, days, st.sampled_from(sorted(DATES)))
def test_a_date_is_told_in_any_form(day: datetime.date, other: datetime.date, form: str) -> None:
    assert tells(DATES[form](day), day.isoformat())
    assert tells(f"It arrives on {day.isoformat()}.", DATES["month first"](day).removeprefix("It arrives on ")[:-1])
    if day != other:
        assert not tells(DATES[form](other), day.isoformat())
        assert telling([DATES[form](other)], day.isoformat()) != "told"


TIMES = {
    "24 hours": lambda t: f"It opens at {t:%H:%M}.",
    "12 hours": lambda t: f"It opens at {t.hour % 12 or 12}:{t:%M} {'p.m.' if t.hour > 11 else 'a.m.'}",
    "joined": lambda t: f"It opens at {t.hour % 12 or 12}:{t:%M}{'pm' if t.hour > 11 else 'am'}, all days.",
    "German": lambda t: f"Es öffnet um {t:%H.%M} Uhr.",
    "Chinese": lambda t: f"我们{'下午' if t.hour > 11 else '上午'}{t.hour % 12 or 12}点{t.minute}分开门。",
}
times = st.times().map(lambda time: time.replace(second=0, microsecond=0))


@given(times, times, st.sampled_from(sorted(TIMES)))
def test_a_time_is_told_in_any_form(time: datetime.time, other: datetime.time, form: str) -> None:
    assert tells(TIMES[form](time), f"{time:%H:%M}")
    if time != other:
        assert not tells(TIMES[form](other), f"{time:%H:%M}")


MONEY = {
    "$": lambda a: f"The total is ${a:,.2f}.",
    "plain $": lambda a: f"The total is ${a:.2f} now.",
    "dollars": lambda a: f"The total is {a:,.2f} dollars.",
    "USD": lambda a: f"The total is USD {a:,.2f}.",
    "and cents": lambda a: f"That is {int(a):,} dollars and {int(a * 100 % 100)} cents.",
    "German": lambda a: "Das macht " + f"{a:,.2f}".translate(str.maketrans(",.", ".,")) + " $ für Sie.",
    "Chinese": lambda a: f"总共{a:.2f}美元。",
}
amounts = st.decimals(min_value=1, max_value=10**7, places=2)


@given(amounts, amounts, st.sampled_from(sorted(MONEY)))
def test_money_is_told_in_any_form(amount: Decimal, other: Decimal, form: str) -> None:
    assert all(tells(MONEY[form](amount), output) for output in (f"${amount}", f"${amount:,}", str(amount)))
    assert tells(MONEY[form](amount), str(amount), "money")
    assert not tells(MONEY[form](amount), f"€{amount}")
    assert not tells(MONEY[form](amount), f"{amount}%")
    if amount != other:
        assert not tells(MONEY[form](other), f"${amount}")


SPOKEN = {
    3: ("three", "drei", "tres", "三"),
    12: ("twelve", "zwölf", "doce", "十二"),
    45: ("forty-five", "fünfundvierzig", "cuarenta y cinco", "四十五"),
    90: ("ninety", "neunzig", "noventa", "九十"),
    100: ("one hundred", "hundert", "cien", "一百"),
    250: ("two hundred and fifty", "zweihundertfünfzig", "doscientos cincuenta", "二百五十"),
    1500: ("fifteen hundred", "eintausendfünfhundert", "mil quinientos", "一千五百"),
}
COUNTED = (
    ("You have {} orders with the shop.", "You have {} days for that."),
    ("Sie haben {} Bestellungen.", "Sie haben {} Tage Zeit."),
    ("Usted tiene {} pedidos.", "Usted tiene {} días."),
    ("您有{}个订单。", "您有{}天。"),
)


@given(st.sampled_from(sorted(SPOKEN)), st.sampled_from(sorted(SPOKEN)), st.integers(0, 3), st.booleans())
def test_counts_and_durations_are_told_in_words_and_figures(number: int, other: int, way: int, figures: bool) -> None:
    orders, window = (text.format(number if figures else SPOKEN[number][way]) for text in COUNTED[way])
    assert tells(orders, str(number))
    assert tells(window, f"{number} days")
    assert not tells(window, str(number))
    assert not tells(orders, f"{number} days")
    if number != other:
        assert not tells(orders, str(other))
        assert not tells(window, f"{other} days")


@given(st.integers(1, 500))
def test_years_are_twelve_months_and_weeks_seven_days(amount: int) -> None:
    assert tells(f"It runs for {amount} years.", f"{12 * amount} months")
    assert tells(f"It runs for {12 * amount} months.", f"{amount} years")
    assert tells(f"It runs for {amount} weeks.", f"{7 * amount} days")
    assert not tells(f"It runs for {amount} months.", f"{30 * amount} days")


identifiers = st.from_regex(r"[A-Z]{1,3}[1-9][0-9]{3,6}", fullmatch=True)


@given(identifiers, identifiers, st.sampled_from(["#{}", "{}", "order {}", "({})"]))
def test_an_identifier_is_told_with_and_without_its_marks(one: str, other: str, way: str) -> None:
    apart = one[: sum(map(str.isalpha, one))] + "-" + one.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    text = f"That is {way} as I see it."
    assert all(tells(text.format(said), output) for said in (one, apart, one.lower()) for output in (one, f"#{one}"))
    if one != other:
        assert not tells(text.format(other), one)
        assert telling([text.format(other)], one) != "told"


# --- what the words leave open


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("It is due May 25 - sorry, I misread: May 24.", "2026-05-24"),
        ("It does not arrive on May 24.", "2026-05-24"),
        ("Does it arrive on May 24?", "2026-05-24"),
        ("If you pay today, it arrives on May 24.", "2026-05-24"),
        ("It was May 24 before the delay.", "2026-05-24"),
        ("Sie kommt nicht am 24. Mai.", "2026-05-24"),
        ("Kommt sie am 24. Mai?", "2026-05-24"),
        ("No llega el 24 de mayo.", "2026-05-24"),
        ("¿Llega el 24 de mayo?", "2026-05-24"),
        ("不是5月24日送达。", "2026-05-24"),
        ("是5月24日吗？", "2026-05-24"),
        ("It costs about $490.", "$490"),
        ("It takes 3 to 5 days.", "5 days"),
        ("You have three or four orders.", "3"),
        ("Sie haben drei oder vier Bestellungen.", "3"),
        ("It went from $490 to $380.", "$490"),
        ("I would say $490.", "$490"),
        ("The parcel has not been delivered yet.", "delivered"),
        ("That order is no longer pending.", "pending"),
        ("It will soon be delivered.", "delivered"),
        ("It will be delivered to you.", "delivered"),
        ("Das Paket ist nicht zugestellt.", "zugestellt"),
        ("It has arrived.", "delivered"),
        ("You have one order.", "1"),
        ("It was $490 and is $390 now.", "$490"),
        ("Now it is $390, it was $490.", "$490"),
        ("Es waren 490 Euro, jetzt sind es 390.", "€490"),
        ("This is step 3.", "3"),
        ("It is the triple XL.", "3XL"),
        ("The card ends in double zero forty-four.", "0044"),
        ("卡的尾号是零零四四。", "0044"),
        ("Die Karte endet auf null null vier vier.", "0044"),
        ("It opens at 10 o'clock.", "10:00"),
        ("It is the last one you got, four score.", "80"),
        ("It is order R one two oh three oh.", "R12030"),
    ],
)
def test_what_a_judge_must_read(text: str, output: str) -> None:
    assert telling([text], output) == "open"


@pytest.mark.parametrize(
    ("texts", "output", "found"),
    [
        (["It arrives on May 24.", "Anything else?"], "2026-05-24", "told"),
        (["It arrives on May 24. Anything else?"], "2026-05-24", "told"),
        (["It arrives on May 24.", "Sorry, I misread. It is May 25."], "2026-05-24", "open"),
        (["It arrives on May 24.", "Es tut mir leid, es ist der 25. Mai."], "2026-05-24", "open"),
        (["It arrives on May 24. Wait, that is wrong."], "2026-05-24", "open"),
        (["Is it $490?", "It is $490."], "$490", "told"),
        (["Not $490.", "It is $390."], "$490", "open"),
        (["Done. Your store credit is $55 now."], "55", "told"),
        (["The status is pending."], "pending", "told"),
        (["Der Status ist pending."], "pending", "told"),
        (["It is about order R12031."], "R12030", "not told"),
        (["The card ends in 0045."], "0044", "not told"),
        (["The card ends in 0044."], "4111 1111 1111 0044", "open"),
        (["It goes to Two Rivers."], "Two Rivers", "told"),
        (["It goes to two rivers, not Three Lakes."], "Two Rivers", "open"),
        ([], "R12030", "not told"),
        ([], "three", "not told"),
        ([""], "3", "not told"),
    ],
)
def test_messages_in_their_order(texts: list[str], output: str, found: str) -> None:
    assert telling(texts, output) == found


awkward = st.sampled_from(
    ["sNaN", "1e999999999", "١٢", "²", "1_000", "\ud800", "9" * 5_000, "$", "%", "5月", "百分之", "-$"]
)
types = st.sampled_from(["", "money", "month", "identifier"])


@given(st.lists(st.text() | awkward, max_size=3), st.text() | awkward, types)
def test_no_text_makes_it_raise(texts: list[str], output: str, type: str) -> None:
    assert telling(texts, output, type) in ("told", "open", "not told")
    assert all(tells(text, output, type) in (True, False) for text in texts)
    joined = " ".join(texts)
    assert all(value.text == plain(joined)[value.start : value.end] for value in find_values(joined))


def test_an_endless_output_is_looked_for_as_it_is_written() -> None:
    endless = "1 " * 5_000
    assert tells("It is " + "1 " * 20_000, endless)
    assert not tells("It is " + "1 " * 4_999, endless)
    assert not tells("It is " + "1 " * 20_000, endless + "2")
