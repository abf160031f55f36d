"""What an import made of each source: every row counted, with the reason where it is not in the catalogue; as JSON and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from etl.clean.config import FLAGS, CleanConfig
from etl.sources.importer import Counts, Imported
from kg.files.atomic import write_text
from kg.files.json_file import write_json

NAMES = ("import.json", "import.md")
_COUNTS = ("rows", "good", "flagged", "empty", "rejected")


def report(imported: Imported, counted: Mapping[str, Counts], clean: CleanConfig, build_id: str) -> dict[str, Any]:
    """Return the report.

    Args:
        imported: What the files gave.
        counted: Source → its counts; the ledger's among them.
        clean: The rules that held.
        build_id: The build that the import is of.
    """
    sources = []
    for name, counts in counted.items():
        details = imported.details.get(name)
        entry: dict[str, Any] = {"source": name, **asdict(counts)}
        if details is not None:
            entry |= {
                **{"table": details.table, "format": details.file_format, "encoding": details.encoding, "seconds": details.seconds},
                **{"flags": dict(details.flags), "empty_reasons": dict(details.empty), "reject_reasons": dict(details.rejects)},
                **{"attributes_left_out": details.left_out, "notes": details.notes},
            }
        sources.append(entry)
    flags = {flag: sum(entry.get("flags", {}).get(flag, 0) for entry in sources) for flag in FLAGS}
    repeated = imported.triples.height - imported.triples.unique().height
    return {
        "build_id": build_id,
        "totals": {name: sum(entry[name] for entry in sources) for name in _COUNTS},
        "flags": {flag: {"rows": n, "meaning": FLAGS[flag], "used": flag in clean.use_flagged} for flag, n in flags.items()},
        "reduced_by_cancellations": imported.events.n_reduced,
        "repeated_triples": repeated,
        "clean": clean.model_dump(mode="json"),
        "sources": sources,
    }


def write(folder: Path, said: dict[str, Any]) -> None:
    """Write `import.json` and `import.md`, each whole or not at all."""
    write_json(folder / "import.json", said)
    write_text(folder / "import.md", markdown(said))


def markdown(said: dict[str, Any]) -> str:
    """Return a report as Markdown."""
    totals = said["totals"]
    lines = [
        f"# Import of build {said['build_id']}",
        "",
        f"{totals['rows']:,} rows = {' + '.join(f'{totals[name]:,} {name}' for name in _COUNTS[1:])}.",
        "",
        *_table(["source", "table", "format", "encoding", *_COUNTS, "seconds"], [_source_row(entry) for entry in said["sources"]]),
        "",
    ]
    flagged = [
        (flag, f"{entry['rows']:,}", entry["meaning"], "yes" if entry["used"] else "no") for flag, entry in said["flags"].items() if entry["rows"]
    ]
    if flagged:
        lines += ["## Flagged", "", "Kept in `flagged.parquet` of the build.", "", *_table(["flag", "rows", "such a row", "used"], flagged), ""]
    if said["reduced_by_cancellations"]:
        lines += [f"{said['reduced_by_cancellations']:,} purchases were taken back in part: their quantity is what is left.", ""]
    if said["repeated_triples"]:
        lines += [f"{said['repeated_triples']:,} triples repeat another: one edge each.", ""]
    for title, key in (("Rejected", "reject_reasons"), ("Empty", "empty_reasons")):
        rows = [(entry["source"], f"{n:,}", why) for entry in said["sources"] for why, n in entry.get(key, {}).items()]
        if rows:
            lines += [f"## {title}", "", *_table(["source", "rows", "why"], rows), ""]
    notes = [(entry["source"], note) for entry in said["sources"] for note in entry.get("notes", [])]
    if notes:
        lines += ["## How values were read", "", *_table(["source", "what was found"], notes), ""]
    for entry in said["sources"]:
        left_out = entry.get("attributes_left_out", {})
        if left_out:
            named = ", ".join(f"{name} ({n:,})" for name, n in list(left_out.items())[:10])
            lines += [f"{entry['source']}: {len(left_out):,} rarer attributes are left out (`attributes_limit`): {named}, …", ""]
    return "\n".join(lines).rstrip() + "\n"


def _source_row(entry: Mapping[str, Any]) -> list[str]:
    texts = [str(entry.get(name, "")) for name in ("source", "table", "format", "encoding")]
    return [*texts, *(f"{entry[name]:,}" for name in _COUNTS), str(entry.get("seconds", ""))]


def _table(header: list[str], rows: list[Any]) -> list[str]:
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *cells)]
