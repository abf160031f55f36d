"""The plots of a report, as SVG text that stands in the page itself."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MAIN = "ndcg@10"
_OURS, _OTHER = "#1b7f79", "#9aa5b1"


def draw(name: str, content: Mapping[str, Any], trace: Sequence[Mapping[str, Any]]) -> str:
    """Draw one of the plots.

    Args:
        name: "metrics", "popularity", "ablations", "slices", "gates", "graph_first" or "curve".
        content: The report.
        trace: What training reported.

    Returns:
        An `<svg>` element.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    height = 1.2 + 0.28 * max(4, len(content["walks"]) if name == "gates" else len(content["models"]) + len(content["ablations"]))
    # A fixed salt: the same numbers give the same file.
    with mpl.rc_context({"svg.hashsalt": "reckon", "font.size": 9}):
        figure = Figure(figsize=(7.5, min(height, 9)), layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        _DRAW[name](axes, content, trace)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _bar_chart(axes: Axes, values: Mapping[str, float], label: str, errors: Sequence[tuple[float, float]] | None = None) -> None:
    names = list(values)[::-1]
    colors = [_OTHER] * (len(names) - 1) + [_OURS]
    spread = None if errors is None else [[low for low, _ in errors[::-1]], [high for _, high in errors[::-1]]]
    axes.barh(names, [values[name] for name in names], xerr=spread, color=colors, error_kw={"lw": 1, "capsize": 2})
    axes.set_xlabel(label)


def _metrics(axes: Axes, content: Mapping[str, Any], _: Sequence[Mapping[str, Any]]) -> None:
    values = {name: numbers["metrics"][_MAIN] for name, numbers in content["models"].items()}
    bounds = [content["models"][name]["intervals_95"].get(_MAIN, [value, value]) for name, value in values.items()]
    errors = [(max(0.0, value - low), max(0.0, high - value)) for value, (low, high) in zip(values.values(), bounds, strict=True)]
    _bar_chart(axes, values, f"{_MAIN}, 95 % interval", errors)


def _popularity(axes: Axes, content: Mapping[str, Any], _: Sequence[Mapping[str, Any]]) -> None:
    _bar_chart(
        axes,
        {name: numbers["beyond_accuracy"].get("long_tail@10", 0.0) for name, numbers in content["models"].items()},
        "share of the long tail in the top 10",
    )


def _ablations(axes: Axes, content: Mapping[str, Any], _: Sequence[Mapping[str, Any]]) -> None:
    _bar_chart(axes, {name: numbers["metrics"][_MAIN] for name, numbers in content["ablations"].items()}, _MAIN)


def _slices(axes: Axes, content: Mapping[str, Any], _: Sequence[Mapping[str, Any]]) -> None:
    labels = list(content["slices"])
    for name in content["models"]:
        values = [content["slices"][label][_MAIN].get(name, float("nan")) for label in labels]
        axes.plot(labels, values, marker="o", label=name)
    axes.set_ylabel(_MAIN)
    axes.legend(fontsize=7, frameon=False)


def _gates(axes: Axes, content: Mapping[str, Any], _: Sequence[Mapping[str, Any]]) -> None:
    gates = {
        "learned embeddings": content["learned_gate"],
        "learned item–item weights": content["weights_gate"],
        **{walk["meta_path"]: walk["gate"] for walk in content["walks"]},
    }
    positive = {name: gate for name, gate in gates.items() if gate > 0}
    _bar_chart(axes, positive, "gate (log scale; closed gates are left out)")
    axes.set_xscale("log")


def _graph_first(axes: Axes, content: Mapping[str, Any], _: Sequence[Mapping[str, Any]]) -> None:
    points = content["graph_first"]
    shares, reached = [100 * point["graph_share"] for point in points], [point["ndcg"] for point in points]
    axes.plot(shares, reached, marker="o", color=_OTHER)
    chosen = [(share, ndcg) for share, ndcg, point in zip(shares, reached, points, strict=True) if point["chosen"]]
    axes.plot(*zip(*chosen, strict=True), marker="o", color=_OURS, linestyle="", label="chosen")
    axes.set_xlabel("% of the score on paths of the graph")
    axes.set_ylabel("ndcg of shoppers who did not tune")
    axes.legend(fontsize=7, frameon=False)


def _curve(axes: Axes, _: Mapping[str, Any], trace: Sequence[Mapping[str, Any]]) -> None:
    points = [(event["step"], event["ndcg"]) for event in trace if event.get("ndcg") is not None]
    for step in dict.fromkeys(step for step, _ in points):
        places = [place for place, (name, _) in enumerate(points) if name == step]
        axes.plot(places, [points[place][1] for place in places], label=step)
    softmax = next((event["softmax"] for event in reversed(trace) if event.get("softmax")), None)
    axes.set_xlabel(f"step of the tuning ({softmax} softmax)" if softmax else "step of the tuning")
    axes.set_ylabel(f"{_MAIN} on the tuning users")
    axes.legend(fontsize=7, frameon=False)


_DRAW: dict[str, Callable[[Any, Mapping[str, Any], Sequence[Mapping[str, Any]]], None]] = {
    "metrics": _metrics,
    "popularity": _popularity,
    "ablations": _ablations,
    "slices": _slices,
    "gates": _gates,
    "graph_first": _graph_first,
    "curve": _curve,
}
