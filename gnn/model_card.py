"""The model card of a build: data, method, limits. Source: Mitchell et al. 2019, doi:10.1145/3287560.3287596."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MAIN = "ndcg@10"


def model_card(content: Mapping[str, Any]) -> str:
    """Write the card from a report."""
    open_walks = sum(walk["gate"] > 0 for walk in content["walks"])
    models = content["models"]
    scores = "; ".join(f"{name} {found['metrics'].get(_MAIN, float('nan')):.4f}" for name, found in models.items())
    told = content.get("explanations", {}).get("measures", {})
    explained = (
        f"Explanations of {told['items']:,} recommended items: shares add up within {told['completeness_error']:.1e}, "
        f"{told['path_validity'] or 0:.2%} of the path steps are edges of the graph, {told['coverage'] or 0:.1%} of the items have a path, "
        f"the learned similarity carries {told['learned_share'] or 0:.0%} of the score on average."
        if told
        else "Explanations were not measured."
    )
    missed = [gate["name"].replace("_", " ") for gate in content.get("explanations", {}).get("gates", ()) if not gate["passed"]]
    return f"""# Model card: build {content["build_id"]}

## What it is for

Ranking the items of one shop for its shoppers, with the reasons. It is no predictor of prices, ratings or demand, and says nothing about people
beyond what they met in this shop.

## Data

{_counts(content)} The withheld part (split: {content["split"]}) was scored once and chose nothing; the published model was then learned from all
events with the same gates and exponents.

## Method

Every score is a sum over graph paths, s(u, i) = Σ_m g_m Σ_paths c_uj · Π degree^-exponent, plus a learned part per history item: embeddings
(implicit-feedback matrix factorisation smoothed over the graph) and item–item weights (ridge regression of each item on the others).
{open_walks} of {len(content["walks"])} kinds of path are open.
Gates and exponents were tuned on events carved from the training part.

## What it reached

{content["verdict"]} {_MAIN}: {scores}.

{explained}{" Not met: " + ", ".join(missed) + "." if missed else ""}

## Limits

* Offline numbers from logged events: what was never shown could not be chosen. They say nothing about sales.
* A shopper without events gets popular items, and is told so.
* An attribute value that more than `[model] max_degree` items share is not walked through.
* The learned similarity is labelled as learned in every answer; it has history items behind it, and no path.
* Items with few events are ranked by their attributes alone; wrong facts in the catalogue become wrong reasons.
"""


def _counts(content: Mapping[str, Any]) -> str:
    return f"{content['users']:,} users with {content['pairs']:,} withheld items were asked."
