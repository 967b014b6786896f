"""The part that each column plays: what names the series, what is forecast, and what only counts, codes or places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.column import TABLE, UNNAMED, Column, Table
from latchwork.forecasting.reading.notes import ASSUMED, GUESSED, Note, some
from latchwork.forecasting.reading.words import folded, part_named
from latchwork.transforms.calendar import Times

TARGET_NAMES = ("y", "value", "values", "target", "sales", "demand", "amount", "count", "price")
TARGET_WORDS = re.compile(
    r"sales|sold|demand|revenue|turnover|umsatz|absatz|menge|qty|quantity|units|amount|value|wert|betrag|target|volume"
    r"|consumption|verbrauch|obs_value|ventas|ventes|vendite|importe|montant|visits|orders|trips|passengers|load|kwh"
)
PRICES = ("open", "high", "low", "close")
CODES = re.compile(
    r"(^|[_\s.-])(id|ids|code|codes|nr|no|nbr|num|number|key|sku|ean|upc|gtin|isin|iban|zip|zipcode|plz|postcode|fips|asin"
    r"|store|shop|item|product|customer|article|artikel|artikelnummer|filiale|kunde|kundennummer|account|konto|station"
    r"|sensor|device|branch|warehouse|plant|werk|material|materialnummer|cluster|class|category|dept|department|region"
    r"|county|tienda|producto|magasin|produit|negozio|gid|uid|uuid|guid|meter|zone|line|route)$"
)
COORDINATES = re.compile(
    r"^(lat|latitude|long|longitude|lon|lng|x_?coord|y_?coord|elevation|altitude|geo_?lat|geo_?lon)$"
)
CONDITIONS = re.compile(
    r"(^|_|\s)(temp|temperature|temperatur|tmax|tmin|tavg|pres|pressure|humidity|hum|wind|windspeed|wspm|dew|dewp|rain|iws"
    r"|precip|precipitation|snow|voltage|spannung|cloud|clouds|weather|luftdruck|feuchte)($|_|\s|\(|\[)"
)
NOT_KEYS = re.compile(
    r"flag|status|note|comment|remark|quality|footnote|description|bemerkung|kommentar|unit|currency|source|holiday|event"
    r"|weekday|wochentag|day_?name|type_of_day|season|weather|wetter|condition|obs_status|conf|text|verwendungszweck"
)
PARTS = re.compile(r"(^|_)(wk|yr|week|year|month|quarter|weekday|yearmonth|yyyymm)($|_)")
COUNTERS = re.compile(
    r"^(row|row_?id|row_?num|id|index|idx|no|nr|nummer|number|#|n|seq|record|lfd|lfd\.? ?nr|unnamed.*|rank|t|step|x)?$"
)
SINGLE = 0.02  # share of rows at a time that has one already, up to which a key still names series
BLOCK = 4  # rows, from which one stretch of the table may be a series of its own


@dataclass(frozen=True)
class Keys:
    """What names the series: columns, and for each row the number of its series, with the series' names."""

    columns: tuple[str, ...]
    codes: NDArray[np.int64]
    names: list[str]


def is_coordinate(name: str) -> bool:
    """Whether a column's name is that of a coordinate."""
    return bool(COORDINATES.match(folded(name)))


def is_code(column: Column) -> bool:
    """Whether a column holds codes: it is called so and is whole, or its numbers begin with zeros."""
    if column.texts is not None and column.numbers is not None:
        padded = [c for c in column.texts[:500] if len(c) > 1 and c[0] == "0" and c.isdigit()]
        if padded and len({len(c) for c in column.texts[:500] if c.isdigit()}) == 1:
            return True
    values = column.values
    known = values[np.isfinite(values)]
    return bool(CODES.search(_head(column.name))) and known.size > 0 and bool(np.all(known == np.rint(known)))


def _head(name: str) -> str:
    """A column's head in small letters, with its words divided."""
    return folded(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name))


def role_of(column: Column, times: Times | None = None) -> str:
    """The part that a column plays by itself: "counter", "code", "coordinate", "part of the date", "flag", "constant",
    "condition", "measure", "text", "empty" or "time"."""
    if column.kind != "number":
        return "time" if column.kind == "time" else "text" if any(column.labels) else "empty"
    values = column.values
    known = values[np.isfinite(values)]
    if known.size == 0:
        return "empty"
    whole = bool(np.all(known == np.rint(known)))
    if is_coordinate(column.name):
        return "coordinate"
    if whole and times is not None and _is_part_of(values, column.name, times):
        return "part of the date"
    called = COUNTERS.match(folded(column.name)) or column.name == UNNAMED or CODES.search(_head(column.name))
    steps = np.diff(values) if called and whole and known.size == values.size > 2 else np.zeros(1)
    if bool(np.all(steps > 0) or np.all(steps < 0)) and float(np.mean(np.abs(steps) == 1)) > 0.8:  # a row may be gone
        return "counter"
    if is_code(column):
        return "code"
    if whole and PARTS.search(_head(column.name)):
        return "part of the date"
    different = np.unique(known)
    if len(different) == 1 and known.size > 3:
        return "constant"
    if len(different) == 2 and whole and known.size > 8:
        return "flag"
    return "condition" if CONDITIONS.search(_head(column.name)) else "measure"


def _is_part_of(values: NDArray[np.float64], name: str, times: Times) -> bool:
    """Whether a column repeats a part of the date that stands in another one."""
    part = part_named(name) or ("weekday" if re.search(r"day_?of_?week|weekday|wochentag|dow$", folded(name)) else None)
    valid = ~np.isnat(times) & np.isfinite(values)
    if part is None or not valid.any():
        return False
    stamps = times[valid]
    days = stamps.astype("datetime64[D]")
    months = stamps.astype("datetime64[M]")
    own: dict[str, NDArray[np.int64]] = {
        "year": stamps.astype("datetime64[Y]").astype(np.int64) + 1970,
        "month": months.astype(np.int64) % 12 + 1,
        "quarter": months.astype(np.int64) % 12 // 3 + 1,
        "day": (days - months.astype("datetime64[D]")).astype(np.int64) + 1,
        "hour": (stamps - days).astype("timedelta64[h]").astype(np.int64),
        "minute": (stamps - days).astype("timedelta64[m]").astype(np.int64) % 60,
    }
    found = values[valid]
    if part in own and bool(np.all(own[part] == found)):
        return True
    if part == "week":
        return bool(np.all((found >= 0) & (found <= 53)))
    return part in {"weekday", "day"} and bool(np.all((found >= 0) & (found <= 7)))


def find_keys(table: Table, times: Times, taken: Sequence[str], notes: list[Note]) -> tuple[str, ...]:
    """The columns that together tell apart the rows of one time; none where times do not repeat."""
    valid = ~np.isnat(times)
    stamps = np.unique(times, return_inverse=True)[1].astype(np.int64)
    rows = np.flatnonzero(valid)
    if len(rows) == 0:
        return ()
    options = _key_options(table, times, taken)
    if _repeats(stamps, [], rows) == 0:
        return _blocks(table, [c for c in options if c.kind == "text" or is_code(c)], times, notes)
    sure = [c for c in options if c.kind == "text" or is_code(c)]
    for group in (sure, options):
        if group and _repeats(stamps, group, rows) <= SINGLE:
            kept = list(group)
            limit = max(SINGLE * 0.0, _repeats(stamps, group, rows))
            for column in reversed(group):
                fewer = [c for c in kept if c is not column]
                if _repeats(stamps, fewer, rows) <= limit:
                    kept = fewer
            left = {c.name for c in table.columns.values() if c.kind == "number"} - {c.name for c in kept} - set(taken)
            if kept and left and (group is sure or _dense(stamps, kept, rows)):
                return tuple(c.name for c in kept)
    return ()


def _key_options(table: Table, times: Times, taken: Sequence[str]) -> list[Column]:
    """Columns that may name series: text and codes first, then whole numbers of which there are few."""
    found: list[tuple[int, int, Column]] = []
    for place, column in enumerate(table.columns.values()):
        if column.name in taken or column.kind == "time" or NOT_KEYS.search(folded(column.name)):
            continue
        role = role_of(column, times)
        if role in {"counter", "coordinate", "part of the date", "empty"}:
            continue
        if role == "text" and column.distinct <= max(1, table.length / 2):
            found.append((0, place, column))
        elif role == "code" and column.distinct <= max(1, table.length / 2):
            found.append((1, place, column))
        elif role in {"measure", "flag"} and _few_whole(column):
            found.append((2, place, column))
    return [column for _, _, column in sorted(found, key=lambda item: item[:2])]


def _few_whole(column: Column) -> bool:
    values = column.values
    whole = bool(np.isfinite(values).all() and np.all(values == np.rint(values)))
    return whole and column.distinct <= values.size / 4


def _repeats(stamps: NDArray[np.int64], columns: Sequence[Column], rows: NDArray[np.int64]) -> float:
    """Share of the rows whose time and key came before."""
    joined = stamps[rows]
    for column in columns:
        codes = column.codes[0][rows]
        joined = np.unique(joined * (int(codes.max()) + 1) + codes, return_inverse=True)[1].astype(np.int64)
    return 1 - len(np.unique(joined)) / len(rows)


def _dense(stamps: NDArray[np.int64], columns: Sequence[Column], rows: NDArray[np.int64]) -> bool:
    """Whether nearly every key comes at nearly every time: then numbers that could be values are keys."""
    keys = 1
    for column in columns:
        keys *= column.distinct
    return keys * len(np.unique(stamps[rows])) <= 1.5 * len(rows)


def _blocks(table: Table, options: Sequence[Column], times: Times, notes: list[Note]) -> tuple[str, ...]:
    """A column that names one stretch of rows after the other: series that do not overlap in time."""
    for column in options:
        codes, names = column.codes
        changes = int(np.sum(np.diff(codes) != 0))
        smallest = int(np.bincount(codes).min())
        if (
            column.name == TABLE
            or not 2 <= len(names) <= len(codes) / BLOCK
            or changes != len(names) - 1
            or smallest < BLOCK
        ):
            continue
        if column.kind == "number" and not is_code(column):
            continue
        called = CODES.search(_head(column.name)) or re.search(
            r"site|store|shop|country|land|city|name|standort|ort|location|state|entity|series|serie|group|market|ticker|symbol",
            _head(column.name),
        )
        if called:
            notes.append(
                Note(
                    f"{column.name} names {len(names)} series that follow each other in time ({some(names, 3)})",
                    ASSUMED,
                )
            )
            return (column.name,)
        notes.append(
            Note(
                f"{column.name} changes {changes} times ({some(names, 3)}), all is one series: "
                f"--series {column.name} divides it",
                GUESSED,
            )
        )
    return ()


def series_of(table: Table, columns: Sequence[str]) -> Keys:
    """The series that each row belongs to, named by its cells as they stand."""
    if not columns:
        return Keys((), np.zeros(table.length, np.int64), [""])
    joined = np.zeros(table.length, np.int64)
    used = [table.columns[name] for name in columns]
    for column in used:
        codes, cells = column.codes
        joined = np.unique(joined * len(cells) + codes, return_inverse=True)[1].astype(np.int64)
    firsts = np.unique(joined, return_index=True)[1]
    names = [" / ".join(c.labels[row] for c in used if c.labels[row]) or "(no name)" for row in firsts]
    order = np.argsort(np.array(names), kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return Keys(tuple(columns), place[joined].astype(np.int64), [names[i] for i in order])


def find_targets(
    table: Table, times: Times, taken: Sequence[str], keys: Sequence[str], notes: list[Note]
) -> dict[str, str]:
    """The columns to forecast where none was named, each with the name of its series ("" in a long table)."""
    left = [c for c in table.columns.values() if c.name not in taken and c.name not in keys]
    roles = {c.name: role_of(c, times) for c in left if c.kind == "number"}
    roles = {name: role for name, role in roles.items() if role != "empty"}
    if not roles:
        empty = [c.name for c in left if c.kind == "number" or not any(c.labels)]
        if empty:
            raise InputError(f"got no number at all in {some(empty)}: every value is missing")
        raise InputError(f"got columns {some(list(table.columns), 8)}: none holds numbers to forecast")
    prices = _closing_prices(table, roles)
    if prices:
        notes.append(Note("open-high-low-close prices: forecasting the close (--target chooses)", ASSUMED))
        return prices
    options = _best_of(roles)
    lowered = {name.strip().lower(): name for name in options}
    named = [lowered[name] for name in TARGET_NAMES if name in lowered]
    if len(options) > 1 and (named or keys):
        sounding = [name for name in options if TARGET_WORDS.search(folded(name))]
        chosen = (named or sounding or options)[0]
        notes.append(Note(f"forecasting {chosen!r} (--target chooses among {some(options, 8)})", ASSUMED))
        options = [chosen]
    elif len(options) > 1:
        notes.append(
            Note(
                f"{len(options)} columns of numbers, each forecast as a series of its own (--target picks one)", ASSUMED
            )
        )
    beside = [f"{name} ({role})" for name, role in roles.items() if name not in options and role != "measure"]
    if beside:
        notes.append(Note(f"not forecast: {some(beside, 8)}; --target names what is", ASSUMED))
    return dict.fromkeys(options, "") if keys else {name: name for name in options}


def _best_of(roles: dict[str, str]) -> list[str]:
    """The columns most like something to forecast."""
    for wanted in ("measure", "condition", "flag", "constant", "counter", "code"):
        found = [name for name, role in roles.items() if role == wanted]
        if found:
            return found
    return list(roles)


def _closing_prices(table: Table, roles: dict[str, str]) -> dict[str, str]:
    """The closing prices among open, high, low and close: of one asset, or of each of several in header rows."""
    lowered = {name.strip().lower(): name for name in roles}
    if all(price in lowered for price in PRICES):
        return {lowered["close"]: lowered["close"]}
    leveled = [c for c in table.columns.values() if c.name in roles and len(c.levels) > 1]
    for level in range(max((len(c.levels) for c in leveled), default=0)):
        called = {c.levels[level].strip().lower() for c in leveled}
        if all(price in called for price in PRICES):
            closing = [c for c in leveled if c.levels[level].strip().lower() == "close"]
            return {c.name: " ".join(t for i, t in enumerate(c.levels) if i != level and t) or c.name for c in closing}
    return {}
