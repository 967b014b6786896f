"""A self-contained HTML page of headings, paragraphs, tables and pictures, light and dark."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = """
:root { color-scheme: light dark; --ink: #1f2430; --muted: #5b6472; --line: #e5e7eb; --paper: #fff; --card: #f7f8fa; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e7e9ee; --muted: #9aa3b2; --line: #2c3340; --paper: #12151b; --card: #1a1f28; }
}
body { font: 16px/1.6 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0; }
main { max-width: 58rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .4rem; }
p { margin: .6rem 0; max-width: 44rem; }
.lead, figcaption { color: var(--muted); }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem 1rem .35rem 0; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; }
th { color: var(--muted); font-weight: 600; }
figure { margin: 1.2rem 0; }
figcaption { font-size: .88rem; }
img { max-width: 100%; height: auto; border-radius: 8px; background: #fff; }
pre { background: var(--card); padding: .9rem 1.1rem; border-radius: 8px; overflow-x: auto; }
"""


class Report:
    """A page, written from top to bottom."""

    def __init__(self, title: str, lead: str) -> None:
        """The page's heading and the line below it."""
        self.title = title
        self.parts = [f"<h1>{html.escape(title)}</h1>", f'<p class="lead">{html.escape(lead)}</p>']

    def heading(self, text: str) -> None:
        """A section's heading."""
        self.parts.append(f"<h2>{html.escape(text)}</h2>")

    def paragraph(self, text: str) -> None:
        """Some sentences."""
        self.parts.append(f"<p>{html.escape(text)}</p>")

    def code(self, text: str) -> None:
        """Lines as typed."""
        self.parts.append(f"<pre>{html.escape(text)}</pre>")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table, its first column to the left."""
        head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        self.parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")

    def picture(self, figure: Figure, description: str) -> None:
        """A figure, inside the page, with a description for those who cannot see it."""
        buffer = BytesIO()
        figure.savefig(buffer, dpi=160, facecolor="white")
        data = base64.b64encode(buffer.getvalue()).decode()
        alt = html.escape(description, quote=True)
        self.parts.append(
            f'<figure><img alt="{alt}" src="data:image/png;base64,{data}">'
            f"<figcaption>{html.escape(description)}</figcaption></figure>"
        )

    def to_html(self) -> str:
        """The whole page."""
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{html.escape(self.title)}</title><style>{STYLE}</style></head>"
            f"<body><main>{''.join(self.parts)}</main></body></html>\n"
        )
