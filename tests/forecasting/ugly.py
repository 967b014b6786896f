"""Fifty files as people really keep them, and what must come out: a panel, or one line that says what is wrong."""

import gzip
import io
from dataclasses import dataclass

import numpy as np

MONTHS = [f"{1960 + i // 12}-{i % 12 + 1:02d}" for i in range(48)]
DAYS = [str(np.datetime64("2021-01-01") + i) for i in range(60)]
VALUES = [round(100 + 2 * i + 10 * np.sin(i / 2), 1) for i in range(60)]


@dataclass(frozen=True)
class Ugly:
    """One file. frequency None: it must be refused, with `says` in the line."""

    name: str
    data: bytes
    frequency: str | None
    length: int = 0
    last: float = 0.0
    says: str = ""
    series: int = 1


def rows(times, values, separator=",", header="date,value", end="\n"):
    head = [header] if header is not None else []
    return end.join([*head, *(f"{t}{separator}{v}" for t, v in zip(times, values, strict=False))]) + end


def monthly(name, text, **changes):
    data = text if isinstance(text, bytes) else text.encode()
    return Ugly(name, data, **{"frequency": "monthly", "length": 48, "last": VALUES[47], **changes})


def daily(name, times, header="date,value", **changes):
    data = rows(times, VALUES, header=header).encode()
    return Ugly(name, data, **{"frequency": "daily", "length": 60, "last": VALUES[59], **changes})


def stamped(style):
    return [np.datetime64(d).astype(object).strftime(style) for d in DAYS]


def month_names(style):
    return [np.datetime64(m).astype(object).strftime(style) for m in MONTHS]


def month_ends():
    return [str((np.datetime64(m) + 1).astype("datetime64[D]") - 1) for m in MONTHS]


def comma(values):
    return [str(v).replace(".", ",") for v in values]


def joined(header, *parts):
    return "\n".join([header, *(",".join(map(str, row)) for row in zip(*parts, strict=False))])


def replaced(text):
    return rows(MONTHS, [*VALUES[:10], text, *VALUES[11:48]])


def parquet():
    import pyarrow as pa
    import pyarrow.parquet as pq

    held = io.BytesIO()
    stamps = np.array(MONTHS, "datetime64[M]").astype("datetime64[s]")
    pq.write_table(pa.table({"when": stamps, "sales": np.array(VALUES[:48])}), held)
    return held.getvalue()


def irregular():
    away = np.cumsum(np.random.default_rng(1).integers(1, 10**6, 60))
    return [str(np.datetime64("2020-01-01", "s") + int(s)) for s in away]


plain = rows(MONTHS, VALUES)
shuffled = np.random.default_rng(0).permutation(48)
many_thousands = [f"{v * 1000:,.2f}" for v in VALUES]
swapped = [v.translate(str.maketrans(",.", ".,")) for v in many_thousands]
unix = [int(np.datetime64(d, "s").astype(int)) for d in DAYS]
shops = [(shop, m, v) for shop in "ab" for m, v in zip(MONTHS, VALUES, strict=False)]

UGLY = [
    monthly("plain", plain),
    monthly("byte-order mark", b"\xef\xbb\xbf" + plain.encode()),
    monthly("utf-16", plain.encode("utf-16")),
    monthly("windows-1252 header", rows(MONTHS, VALUES, header="Monat,Umsätze").encode("cp1252")),
    monthly("gzip", gzip.compress(plain.encode())),
    monthly("parquet", parquet()),
    monthly("carriage returns", plain.replace("\n", "\r\n")),
    monthly("old mac line ends", plain.replace("\n", "\r")),
    monthly("semicolons", rows(MONTHS, VALUES, ";", "date;value")),
    monthly("semicolons and decimal commas", rows(MONTHS, comma(VALUES), ";", "date;value")),
    monthly("tabs", rows(MONTHS, VALUES, "\t", "date\tvalue")),
    monthly("pipes", rows(MONTHS, VALUES, "|", "date|value")),
    monthly("blanks", rows(MONTHS, VALUES, "   ", "date   value")),
    monthly("quoted", rows([f'"{m}"' for m in MONTHS], [f'"{v}"' for v in VALUES], header='"date","value, in $"')),
    monthly("quoted decimal commas", rows(MONTHS, [f'"{v}"' for v in comma(VALUES)])),
    monthly("thousands", rows(MONTHS, [f'"{v}"' for v in many_thousands]), last=VALUES[47] * 1000),
    monthly("european thousands", rows(MONTHS, swapped, ";", "d;v"), last=VALUES[47] * 1000),
    monthly("currency", rows(MONTHS, [f"${v}" for v in VALUES])),
    monthly("percent", rows(MONTHS, [f"{v}%" for v in VALUES])),
    monthly("units in the text", rows(MONTHS, [f"{v} €" for v in VALUES])),
    monthly("comments and title", "# made by hand\nSales of the shop\n" + plain),
    monthly("footer", plain + "Source: the shop\nTotal,,\n"),
    monthly("total row", plain + "Total,9999\n"),
    monthly("two headers", "date,value\n(month),(kg)\n" + plain.split("\n", 1)[1]),
    monthly("header repeated", plain + "date,value\n"),
    monthly("blank lines", plain.replace("\n", "\n\n")),
    monthly("trailing separators", plain.replace("\n", ",\n")),
    monthly("spaces around", plain.replace(",", " , ")),
    monthly("index column", joined(",date,value", range(48), MONTHS, VALUES)),
    monthly("no header", rows(MONTHS, VALUES, header=None)),
    monthly("out of order", rows([MONTHS[i] for i in shuffled], [VALUES[i] for i in shuffled])),
    monthly("newest first", rows(MONTHS[::-1], VALUES[:48][::-1])),
    monthly("month names", rows(month_names("%b %Y"), VALUES)),
    monthly("short month names", rows(month_names("%b-%y"), VALUES)),
    monthly("compact months", rows([m.replace("-", "") for m in MONTHS], VALUES, header="month,value")),
    monthly("year and month columns", rows([m.replace("-", ",") for m in MONTHS], VALUES, header="Year,Month,Value")),
    monthly("month ends", rows(month_ends(), VALUES)),
    monthly("a gap", rows(MONTHS[:20] + MONTHS[21:], VALUES[:20] + VALUES[21:48])),
    monthly("a missing value", replaced("NA")),
    monthly("text in numbers", replaced("about 120")),
    monthly("repeated rows", plain + f"{MONTHS[-1]},{VALUES[47]}\n"),
    monthly("one 1e300", replaced(1e300)),
    monthly("all 1e300", rows(MONTHS, [1e300] * 48), last=1e300),
    monthly("infinity", replaced("inf")),
    monthly("all equal", rows(MONTHS, [7] * 48), last=7.0),
    monthly("all zero", rows(MONTHS, [0] * 48), last=0.0),
    monthly("negative", rows(MONTHS, [-v for v in VALUES]), last=-VALUES[47]),
    monthly("brackets for negative", rows(MONTHS, [f"({v})" for v in VALUES]), last=-VALUES[47]),
    monthly("unicode minus", rows(MONTHS, [f"\u2212{v}" for v in VALUES]), last=-VALUES[47]),
    daily("days first", stamped("%d/%m/%Y")),
    daily("months first", stamped("%m/%d/%Y")),
    daily("dots", stamped("%d.%m.%Y")),
    daily("names of days", stamped("%a %d %B %Y")),
    daily("american words", [f'"{d}"' for d in stamped("%B %d, %Y")]),
    daily("mixed formats", DAYS[:30] + stamped("%d %b %Y")[30:]),
    daily("zones", [f"{d}T00:00:00+02:00" for d in DAYS]),
    daily("clock", [f"{d} 12:30:00" for d in DAYS]),
    daily("unix seconds", unix, header="timestamp,v"),
    daily("compact days", [d.replace("-", "") for d in DAYS]),
    Ugly("years", rows(range(1960, 2000), VALUES, header="year,value").encode(), "yearly", 40, VALUES[39]),
    Ugly(
        "quarters",
        rows([f"{1990 + i // 4} Q{i % 4 + 1}" for i in range(40)], VALUES).encode(),
        "quarterly",
        40,
        VALUES[39],
    ),
    Ugly("iso weeks", rows([f"2020-W{i + 1:02d}" for i in range(50)], VALUES).encode(), "weekly", 50, VALUES[49]),
    Ugly("one column", "\n".join(["value", *map(str, VALUES)]).encode(), "numbered", 60, VALUES[59]),
    Ugly("numbers alone", "\n".join(map(str, VALUES)).encode(), "numbered", 60, VALUES[59]),
    monthly("wide", joined("month,a,b", MONTHS, VALUES, VALUES), series=2),
    monthly("long", joined("shop,month,sales", *zip(*shops, strict=True)), series=2),
    monthly(
        "numbered shops",
        joined("shop,month,sales", *zip(*[(ord(s), m, v) for s, m, v in shops], strict=True)),
        series=2,
    ),
    Ugly("empty", b"", None, says="empty"),
    Ugly("header only", b"date,value\n", None, says="no rows"),
    Ugly("one row", b"date,value\n2020-01-01,5\n", None, says="at least two"),
    Ugly("all missing", rows(MONTHS, ["NA"] * 48).encode(), None, says="every value is missing"),
    Ugly("no numbers", rows(MONTHS, ["abc"] * 48).encode(), None, says="none holds numbers"),
    Ugly("irregular", rows(irregular(), VALUES).encode(), None, says="irregular"),
    Ugly("binary", bytes(range(256)) * 20, None, says="not a text file"),
    Ugly("a spreadsheet", b"PK\x03\x04" + bytes(100), None, says="CSV"),
    Ugly("gzip cut short", gzip.compress(plain.encode())[:60], None, says="damaged"),
    Ugly("parquet cut short", parquet()[:200], None, says="Parquet"),
]
