"""A comparison of two builds for people: as text, and as one page of HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<style>body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;margin:.5rem 0 1.5rem}
th,td{border-bottom:1px solid #ccc;padding:.2rem .8rem .2rem 0;text-align:left}td.n{text-align:right;font-variant-numeric:tabular-nums}</style></head>
<body><h1>{{ title }}</h1>
{% for heading, columns, rows in sections %}<h2>{{ heading }}</h2>
{% if rows %}<table><thead><tr>{% for column in columns %}<th>{{ column }}</th>{% endfor %}</tr></thead>
<tbody>{% for row in rows %}<tr>{% for cell in row %}<td{% if loop.index > 1 %} class="n"{% endif %}>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table>
{% else %}<p>nothing</p>{% endif %}{% endfor %}</body></html>
"""
_CHANGES = ("added", "removed", "changed", "now")
Table = tuple[str, Sequence[str], list[list[str]]]


def as_html(diff: Mapping[str, Any]) -> str:
    """Return one page without anything from elsewhere."""
    page = Environment(autoescape=True).from_string(_PAGE)
    return page.render(title=_title(diff), sections=_sections(diff)) + "\n"


def as_text(diff: Mapping[str, Any]) -> str:
    """Return the same tables as lines."""
    lines = [_title(diff)]
    for heading, columns, rows in _sections(diff):
        lines += ["", heading]
        table = [list(columns), *rows] if rows else [["nothing"]]
        widths = [max(len(row[n]) for row in table) for n in range(len(table[0]))]
        lines += ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n".join(lines)


def _title(diff: Mapping[str, Any]) -> str:
    return f"{diff['builds'][0]} → {diff['builds'][1]}"


def _sections(diff: Mapping[str, Any]) -> list[Table]:
    lists = diff["lists"]
    shared = f"{lists['changed']} of {lists['users']} users; {lists['churn']:.1%} of the items in lists are new"
    return [
        ("Nodes", ("label", *_CHANGES), _counted(diff["graph"]["nodes"])),
        ("Edges", ("type", *_CHANGES), _counted(diff["graph"]["edges"])),
        ("Rows", ("source", "before", "after"), _pairs(diff["rows"])),
        ("Metrics", ("metric", "before", "after"), _pairs(diff["metrics"])),
        (
            "Gates",
            ("gate", "before", "after"),
            [[name, *(_gate(pair[side]) for side in ("before", "after"))] for name, pair in diff["gates"].items()],
        ),
        (f"Lists: {shared}", ("relation", "share in the scores of new items"), [[name, f"{share:.1%}"] for name, share in lists["why"].items()]),
        ("Users whose lists changed most", ("user", "new", "added", "why"), [_user(each) for each in lists["most"]]),
    ]


def _counted(counts: Mapping[str, Mapping[str, int]]) -> list[list[str]]:
    """Return what changed; types that did not change are left out."""
    return [[name, *(f"{each[key]:,}" for key in _CHANGES)] for name, each in counts.items() if any(each[key] for key in _CHANGES[:3])]


def _pairs(pairs: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    return [[name, _number(pair["before"]), _number(pair["after"])] for name, pair in pairs.items()]


def _number(value: Any) -> str:
    return "–" if value is None else f"{value:.4f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _gate(record: Mapping[str, Any] | None) -> str:
    if record is None:
        return "–"
    by = record.get("accepted", {}).get("by")
    return ("passed" if record["passed"] else f"accepted by {by}" if by else "failed") + f": {record['message']}"


def _user(each: Mapping[str, Any]) -> list[str]:
    why = ", ".join(f"{name} {share:.0%}" for name, share in list(each["why"].items())[:3])
    return [each["user_id"], f"{each['churn']:.0%}", ", ".join(each["added"][:3]), why]
