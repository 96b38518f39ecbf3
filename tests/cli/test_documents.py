"""Reports as documents: names from telemetry are text in each of them, and nothing else."""

import csv

from otel_vsm.cli.documents import Document, Table

EVIL = "<script>|`x`[a](b)*\x1b[2J"
DOCUMENT = Document(EVIL, [EVIL], [Table("Stages", ("STAGE", "RUNS"), [(EVIL, "1"), ("=1+1", "-2")])], [EVIL])


def test_markdown_has_no_markup_of_names() -> None:
    text = DOCUMENT.written("markdown")
    assert text.startswith(r"## \<script\>\|\`x\`\[a\](b)\*?\[2J")
    assert r"| \<script\>\|\`x\`\[a\](b)\*?\[2J | 1 |" in text


def test_html_has_no_elements_of_names() -> None:
    text = DOCUMENT.written("html", "<svg id='d'/>")
    assert "<script" not in text
    assert text.index("<svg id='d'/>") < text.index("<table>")
    assert "http" not in text  # it loads nothing


def test_csv_has_no_formulas() -> None:
    rows = list(csv.reader(DOCUMENT.written("csv").splitlines()))
    assert rows[:2] == [["Stages"], ["STAGE", "RUNS"]]
    assert rows[3] == ["'=1+1", "'-2"]
