"""Words that dates are written with in the languages of Europe: months, quarters, weeks, halves, years."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache

# A language is twelve groups of stems; a word is the month whose stem it begins with, or that begins with it.
_STEMS = {
    "English": "jan feb mar apr may jun jul aug sep|sept oct nov dec",
    "German": "jan|jän|jaen feb mär|mrz|maer|mar apr mai jun jul aug sep okt nov dez",
    "French": "janv|jan fév|fev mars avr mai juin juil|jul août|aou sept octobre|oct nov déc|dec",
    "Spanish": "ene feb mar abr may jun jul ago sep|set oct nov dic",
    "Portuguese": "jan fev mar abr mai jun jul ago set out nov dez",
    "Italian": "gen feb mar apr mag giu lug ago set ott nov dic",
    "Catalan": "gen febr|feb març|mar abr maig|mai juny|jun jul ag set oct nov des",
    "Dutch": "jan feb mrt|maa apr mei jun jul aug sep okt nov dec",
    "Danish": "jan feb mar apr maj jun jul aug sep okt nov dec",
    "Norwegian": "jan feb mar apr mai jun jul aug sep okt nov des",
    "Swedish": "jan feb mar apr maj jun jul aug sep okt nov dec",
    "Icelandic": "jan feb mar apr maí jún júl ágú sep okt nóv des",
    "Finnish": "tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu",
    "Estonian": "jaan veebr märts|mär apr mai juuni juuli aug sept okt nov dets",
    "Latvian": "jan febr|feb marts|mar apr maijs|mai jūn jūl aug sept|sep okt nov dec",
    "Lithuanian": "saus vas kov bal geg birž|bir liep rugp rugs spal lapkr|lap gruod|gru",
    "Polish": "sty lut mar kwi maj cze lipiec|lipca|lip sie wrz paź lis gru",
    "Czech": "led úno bře|brez dub kvě červen|června|čvn červenec|července|čvc srpen|srpna|srp zář říj lis pro",
    "Slovak": "jan feb mar apr máj jún júl aug sep okt nov dec",
    "Slovenian": "jan feb mar apr maj jun jul avg sep okt nov dec",
    "Croatian": "sij velj ožu tra svi lipanj|lipnja|lip srpanj|srpnja|srp kol ruj lis stu pro",
    "Hungarian": "jan feb már ápr máj jún júl aug szep okt nov dec",
    "Romanian": "ian feb mar apr mai iun iul aug sept|sep oct noi|nov dec",
    "Turkish": "oca şub mar nis may haz tem ağu eyl eki kas ara",
    "Greek": "ιαν φεβ μαρ απρ μαι|μαϊ|μαΐ ιουν ιουλ αυγ σεπ οκτ νοε δεκ",
    "Russian": "янв фев мар апр май|мая июн июл авг сен окт ноя дек",
    "Ukrainian": "січ лют бер кві тра чер лип сер вер жов лис гру",
    "Bulgarian": "яну фев мар апр май юни юли авг сеп окт ное дек",
}

QUARTERS = frozenset(
    [
        "q",
        "qtr",
        "quarter",
        "quartal",
        "quart",
        "trim",
        "trimestre",
        "trimester",
        "t",
        "kvartal",
        "kvartaal",
        "kwartaal",
        "k",
        "kv",
        "čtvrtletí",
    ]
)
WEEKS = frozenset(
    [
        "w",
        "wk",
        "week",
        "weeks",
        "kw",
        "woche",
        "semaine",
        "sem",
        "semana",
        "settimana",
        "uke",
        "vecka",
        "v",
        "uge",
        "viikko",
        "tydzień",
        "hét",
        "weeknr",
    ]
)
HALVES = frozenset(["h", "hy", "half", "halbjahr", "semestre", "semester", "hj", "s", "half-year", "semestr"])
FISCAL = frozenset(["fy", "gj", "fiscal", "year", "geschäftsjahr", "wj", "ay", "season"])
MONTH_LETTERS = frozenset(["m", "month"])
ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4}
FILLERS = frozenset(
    [
        "de",
        "of",
        "the",
        "del",
        "den",
        "d",
        "le",
        "la",
        "der",
        "st",
        "nd",
        "rd",
        "th",
        "er",
        "ère",
        "o",
        "a",
        "e",
        "el",
        "di",
        "du",
        "van",
        "month",
        "monat",
        "jahr",
        "year",
        "ending",
        "ended",
        "w/e",
        "week-ending",
        "commencing",
        "of-the",
        "г",
        "года",
        "р",
        "i",
    ]
) - {"i", "year", "month"}
WEEKDAYS = frozenset(
    word
    for line in (
        "mon tue tues wed thu thur thurs fri sat sun monday tuesday wednesday thursday friday saturday sunday",
        "mo di mi do fr sa so montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag",
        "lun mar mer jeu ven sam dim lundi mardi mercredi jeudi vendredi samedi dimanche",
        "lunes martes miercoles jueves viernes sabado domingo mie jue vie sab dom lu ma me gi ve",
        "lunedi martedi mercoledi giovedi venerdi gio segunda terça terca quarta quinta sexta seg ter qua qui sex",
        "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag wo vr za zo",
        "man tir ons tor lor son mandag tirsdag onsdag torsdag fredag lordag sondag tis fre lördag sön",
        "pon wt sr czw pt sob ndz poniedzialek wtorek sroda czwartek piatek sobota niedziela po ut st ct pa ne",
        "понедельник вторник среда четверг пятница суббота воскресенье пн вт ср чт пт сб вс",
    )
    for word in line.split()
)

# Heads of columns that hold a part of a time.
PART_NAMES = {
    "year": "year years yr yyyy jahr año ano an année annee anno jaar år ar rok év vuosi aasta год god"
    " fiscal_year geschäftsjahr",
    "quarter": "quarter qtr q quartal trimestre trim kvartal kwartaal trimester",
    "month": "month months mon mm mo mnth monat mes mois mese maand måned månad miesiąc měsíc hónap kuukausi"
    " месяц mnd period",
    "week": "week wk weeknum week_number weekno iso_week isoweek woche kw semaine semana settimana uke vecka uge"
    " viikko",
    "day": "day dd dom day_of_month dayofmonth tag día dia jour giorno dag dzień den nap päivä mday",
    "hour": "hour hours hr hh h stunde std hora heure ora uur time_of_day godzina hodina he hour_ending hourending",
    "minute": "minute min mins minuto minuut minuta",
}
TIME_HEADS = [
    "date",
    "time",
    "month",
    "year",
    "quarter",
    "week",
    "day",
    "stamp",
    "ds",
    "datum",
    "fecha",
    "jahr",
    "monat",
    "woche",
    "tag",
    "data_ora",
    "data",
    "date_time",
    "datetime",
    "mes",
    "año",
    "mois",
    "année",
    "jour",
    "semaine",
    "jaar",
    "maand",
    "dato",
    "dzien",
    "дата",
    "zeit",
    "zeitpunkt",
    "heure",
    "hora",
    "period",
    "periode",
    "periodo",
    "période",
    "kuukausi",
    "vuosi",
    "päivä",
    "tarih",
    "ημερομηνία",
    "dátum",
    "datums",
    "kuupäev",
    "index",
    "t",
    "timestamp",
    "ts",
    "when",
    "tid",
    "tidspunkt",
    "ano",
    "anno",
    "giorno",
]


def folded(text: str) -> str:
    """Lower case without accents or a final dot."""
    plain = unicodedata.normalize("NFKD", text.lower().strip().rstrip("."))
    return "".join(c for c in plain if not unicodedata.combining(c))


@cache
def _language(name: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(folded(stem) for stem in group.split("|")) for group in _STEMS[name].split())


@cache
def month_in(language: str, word: str) -> int:
    """The month that a word means in a language, 0 for none."""
    return _month(language, word)[0]


@cache
def _month(language: str, word: str) -> tuple[int, int]:
    """The month that a word means, and how many of its letters say so."""
    text = folded(word)
    if len(text) < 3:
        return 0, 0
    best, longest = 0, 0
    for number, stems in enumerate(_language(language), start=1):
        for stem in stems:
            if text.startswith(stem) and len(stem) > longest and len(text) <= len(stem) + 9:
                best, longest = number, len(stem)
    return best, longest


def readings_of_months(words: Iterable[str]) -> list[dict[str, int]]:
    """What the words of a column may mean: each different reading in a language that knows all of them, else the most.

    Words that no language knows are left out of a reading.
    """
    wanted = sorted(set(words))
    found: list[tuple[int, int, dict[str, int]]] = []
    for language in _STEMS:
        reading = {word: month for word in wanted if (month := month_in(language, word))}
        letters = sum(_month(language, word)[1] for word in reading)
        if reading:
            found.append((len(reading), letters, reading))
    most = max((key[:2] for key in found), default=(0, 0))
    best: list[dict[str, int]] = []
    for known, letters, reading in found:
        if known == most[0] and letters > most[1] - 3 and reading not in best:  # lipanj is no lipiec
            best.append(reading)
    return best


@cache
def is_month(word: str) -> bool:
    """Whether a word is a month in any of the languages."""
    return any(month_in(language, word) for language in _STEMS)


def part_named(head: str) -> str | None:
    """Which part of a time a column's head names: "year", "month", "hour", ..."""
    text = folded(head).replace(" ", "_")
    for part, names in PART_NAMES.items():
        if text in {folded(name) for name in names.split()}:
            return part
    return None


def sounds_like_time(head: str) -> bool:
    """Whether a column's head is, or holds, a word for a time."""
    text = folded(head)
    words = set("".join(c if c.isalnum() else " " for c in text).split())
    if words & {folded(name) for name in TIME_HEADS}:
        return True
    return any(part in text for part in ("date", "time", "datum", "month", "year", "week", "quarter", "period", "zeit"))
