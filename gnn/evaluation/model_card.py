"""Model cards: data, method, limits; of a build, and of the model as it is shipped (docs/model-card.md).

Source: Mitchell et al. 2019, doi:10.1145/3287560.3287596.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gnn.config import KIND_WEIGHTS, EvaluateConfig, ModelConfig
from gnn.gates.base import GATES
from gnn.metrics.base import titles
from gnn.training.factors import width_for

_MAIN = "ndcg@10"

_PURPOSE = """## What it is for

Ranking the items of one shop for its shoppers, with the reasons. It is no predictor of prices, ratings or demand, and says nothing about people
beyond what they met in this shop.
"""
_METHOD = """## Method

Every score is a sum over graph paths, s(u, i) = Σ_m g_m Σ_paths c_uj · Π degree^-exponent, plus a learned part per history item: embeddings
(implicit-feedback matrix factorisation smoothed over the graph) and item–item weights (ridge regression of each item on the others).
"""
_LIMITS = """## Limits

* Offline numbers from logged events: what was never shown could not be chosen. They say nothing about sales.
* A shopper without events gets popular items, and the answer says so.
* A node that more than `[model] max_degree` others share counts less, and paths over it lead to its `[model] hub_fanout` most popular items only.
* Of the learned similarity what runs over shoppers who met both items is shown as those paths; the rest is labelled as learned in every answer, with
  history items behind it, and no path.
* Items with few events are ranked by their attributes alone; wrong facts in the catalogue become wrong reasons.
"""


def model_card(content: Mapping[str, Any]) -> str:
    """Write the card from a report."""
    open_walks = sum(walk["gate"] > 0 for walk in content["walks"])
    models = content["models"]
    scores = "; ".join(f"{name} {numbers['metrics'].get(_MAIN, float('nan')):.4f}" for name, numbers in models.items())
    measures = content.get("explanations", {}).get("measures", {})
    explained = (
        f"Explanations of {measures['items']:,} recommended items: shares add up within {measures['completeness_error']:.1e}, "
        f"{measures['path_validity'] or 0:.2%} of the path steps are edges of the graph, {measures['coverage'] or 0:.1%} of the items have a path, "
        f"the learned similarity carries {measures['learned_share'] or 0:.0%} of the score on average."
        if measures
        else "Explanations were not measured."
    )
    missed = [gate["name"].replace("_", " ") for gate in content.get("explanations", {}).get("gates", ()) if not gate["passed"]]
    return f"""# Model card: build {content["build_id"]}

{_PURPOSE}
## Data

{_counts(content)} The withheld part (split: {content["split"]}; {content["split_why"]}) was scored once and chose
nothing; the published model was then learned from all
events with the same gates and exponents.

{_METHOD}{open_walks} of {len(content["walks"])} kinds of path are open.
Gates and exponents were tuned on events carved from the training part.

## What it reached

{content["verdict"]} {_MAIN}: {scores}.

{explained}{" Not met: " + ", ".join(missed) + "." if missed else ""}

{_LIMITS}"""


def general_card() -> str:
    """Write the card of the model as it is shipped, with its defaults: docs/model-card.md."""
    model, evaluate = ModelConfig(), EvaluateConfig()
    weights = ", ".join(f"{kind} {weight:g}" for kind, weight in KIND_WEIGHTS.items())
    cutoffs = ", ".join(str(k) for k in evaluate.cutoffs)
    baselines = ", ".join(name.replace("_", " ") for name in evaluate.baselines)
    demands = ", ".join(gate.name for gate in GATES if gate.stage == "evaluate")
    return f"""# Model card

Written by `reckon model-card`. Each build has a card of its own with its data and numbers, `builds/<id>/model-card.md`; this one is about the model
with the settings it is shipped with.

{_PURPOSE}
Not meant for: deciding about people (credit, employment, prices of one person), several shops at once, or a shop whose events may not be used for
this.

## Data

A shop's own items, their attributes (from fields and from text, each with its evidence) and its events. `make demo` takes Complete Journey: the
transactions of 2,469 households, known by number, with 92,331 products. What one event counts by its kind, unless
`[model] kind_weights` says otherwise: {weights}.

The last {evaluate.test_fraction:.0%} of the events are withheld (by time where times are dates, the last of each shopper where they are
order numbers, else drawn per shopper), scored once, and choose
nothing. {model.validation_fraction:.0%} of the rest tune gates and exponents. What is published was then learned from all events.

{_METHOD}Gates and exponents are tuned for ndcg on at most {model.tuning_users:,} shoppers; a walk that adds nothing is closed. Embeddings have
width {width_for(1)} ({width_for(10**6)} above 30,000 items), the regression takes part up to {model.regression_items:,} items with two shoppers,
{model.neighbours} targets are kept per item. A value that more than {model.max_degree:,} items share counts less, and leads on to its
{model.hub_fanout} most popular items. The same seed ({model.seed}) gives the same model.

## What is measured

In every build, on up to {evaluate.max_users:,} shoppers, all items ranked, seen ones left out: {titles("users")} at
{cutoffs}; {titles("lists")}; MAE and RMSE where events carry ratings; by length of history and
age of the item; with bootstrap intervals. Beside it: {baselines}; the model without the graph, with shuffled
attributes, and without each relation; and the explanations of 500 shoppers (whether shares add up, whether every step is an edge, what deleting
paths does). `[evaluate] require` holds a build back that misses {demands}.
The report's first line says whether the best baseline is better, and whether the graph helps.

Measured so far: docs/benchmarks.md, with what did not help. On new items of Complete Journey the factorisation times the same season
ranks better than the model.

{_LIMITS}* Popular items come first where little is known, and what is shown is then bought: the report measures that bias; `[model] target_weights`
  and re-ranking act on it, and nothing removes it.
* Predicted ratings are reported to judge the model, and are no part of any answer.
"""


def _counts(content: Mapping[str, Any]) -> str:
    return f"{content['users']:,} users with {content['pairs']:,} withheld items were asked."
