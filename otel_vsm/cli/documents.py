"""A report as a document: Markdown for a merge request, one HTML file for mail, CSV for a spreadsheet.

Names come from whoever may send telemetry: nothing of them is taken for markup or for a formula.
"""

import csv
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

from otel_vsm.cli.lines import Row, printable

FORMATS = ("markdown", "html", "csv")
_MARKUP = "\\`*_[]<>|#"
_FORMULA = ("=", "+", "-", "@")
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:80rem;margin:2rem auto;padding:0 1rem;color:#1c2430}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.3rem .8rem;border-bottom:1px solid #dfe3e8;"
    "text-align:left}.drawing{overflow-x:auto}"
)


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    heads: Row
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    sentences: Sequence[str]
    """What there is to say before the tables."""
    tables: Sequence[Table]
    notes: Sequence[str] = ()
    """What there is to say after them."""

    def written(self, form: str, drawing: str = "") -> str:
        """The document in one of `FORMATS`; `drawing` is SVG, which HTML has before the tables."""
        if form == "markdown":
            return self._markdown()
        return self._html(drawing) if form == "html" else self._csv()

    def _markdown(self) -> str:
        parts = [f"## {_plain(self.title)}", *map(_plain, self.sentences)]
        for table in self.tables:
            lines = [table.heads, ("---",) * len(table.heads), *table.rows]
            cells = ["| " + " | ".join(cell if line is lines[1] else _plain(cell) for cell in line) + " |"
                     for line in lines]  # fmt: skip
            parts += [f"### {_plain(table.title)}", "\n".join(cells)]
        return "\n\n".join([*parts, *map(_plain, self.notes)])

    def _html(self, drawing: str) -> str:
        def paragraphs(texts: Sequence[str]) -> list[str]:
            return [f"<p>{html.escape(printable(text))}</p>" for text in texts]

        def row(cells: Row, tag: str) -> str:
            return (
                "<tr>" + "".join(f"<{tag}>{html.escape(printable(cell))}</{tag}>" for cell in cells) + "</tr>"
            )

        title = html.escape(printable(self.title))
        parts = [f"<h1>{title}</h1>", *paragraphs(self.sentences)]
        if drawing:
            parts.append(f'<div class="drawing">{drawing}</div>')
        for table in self.tables:
            body = "".join(row(cells, "td") for cells in table.rows)
            head = row(table.heads, "th")
            parts.append(f"<h2>{html.escape(table.title)}</h2>")
            parts.append(f"<table><thead>{head}</thead><tbody>{body}</tbody></table>")
        body = "\n".join([*parts, *paragraphs(self.notes)])
        head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>'

    def _csv(self) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for number, table in enumerate(self.tables):
            if number:
                writer.writerow(())
            writer.writerow((table.title,))
            for row in (table.heads, *table.rows):
                writer.writerow([_unformulated(printable(cell)) for cell in row])
        return text.getvalue().rstrip("\n")


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join(f"\\{sign}" if sign in _MARKUP else sign for sign in printable(text))


def _unformulated(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
