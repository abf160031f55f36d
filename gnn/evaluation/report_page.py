"""The report as one page that loads nothing: tables and plots in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gnn.evaluation.plots import draw

_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Build {{ content.build_id }}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
.verdict { font-size: 1.1rem; border-left: 4px solid #1b7f79; padding: .4rem .8rem; background: #f2f7f6 }
.wide { overflow-x: auto } svg { max-width: 100%; height: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #e4e7eb } th:first-child, td:first-child { text-align: left }
tbody tr:first-child { font-weight: 600 }
</style>
</head>
<body>
<h1>Build {{ content.build_id }}</h1>
<p class="verdict">{{ content.verdict }}</p>
{% for section, plot in parts %}
{% if section.title %}<h2>{{ section.title }}</h2>{% endif %}
{% if section.text %}<p>{{ section.text }}</p>{% endif %}
{% if plot %}<figure>{{ plot }}</figure>{% endif %}
<div class="wide"><table>
<thead><tr>{% for name in section.columns %}<th>{{ name }}</th>{% endfor %}</tr></thead>
<tbody>{% for name, cells in section.rows.items() %}<tr><td>{{ name }}</td>{% for cell in cells %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table></div>
{% for note in section.notes %}<p>{{ note }}</p>{% endfor %}
{% endfor %}
{% if curve %}<h2>Learning curve</h2><figure>{{ curve }}</figure>{% endif %}
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Section:
    """One table of the report.

    Attributes:
        title: Its heading; empty for the first.
        text: What to know before reading it.
        columns: Heads, that of the row names first.
        rows: Row name → cells.
        notes: Lines below.
        plot: Name of the plot beside it (`gnn.evaluation.plots`), or "".
    """

    title: str
    text: str
    columns: tuple[str, ...]
    rows: Mapping[str, Sequence[str]]
    notes: tuple[str, ...] = ()
    plot: str = ""


def page(content: Mapping[str, Any], sections: Sequence[Section], trace: Sequence[Mapping[str, Any]]) -> str:
    """Write the page.

    Args:
        content: The report.
        sections: Its tables.
        trace: What training reported; empty leaves the learning curve out.
    """
    from jinja2 import Environment
    from markupsafe import Markup

    def plot(name: str) -> Markup:
        # Drawn here from numbers and names that matplotlib escapes itself.
        return Markup(draw(name, content, trace))  # noqa: S704 - see above

    parts = [(section, plot(section.plot) if section.plot else "") for section in sections]
    curve = plot("curve") if any(event.get("ndcg") is not None for event in trace) else ""
    return Environment(autoescape=True).from_string(_TEMPLATE).render(content=content, parts=parts, curve=curve)
