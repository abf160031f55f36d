"""Made-up questions whose answers are known."""

from __future__ import annotations

import polars as pl

_WANTED = {
    "cancel_order": ("cancel my order", "please cancel order {n}", "i want to cancel purchase {n}", "stop order {n}", "cancelling an order"),
    "track_order": ("where is my order", "track order {n}", "status of purchase {n}", "when does order {n} arrive", "tracking my parcel"),
    "get_refund": ("i want a refund", "refund me please", "get my money back for {n}", "ask for a refund of {n}", "refunding my purchase"),
}
_ATTRIBUTES = {
    "item_weight": ("unit:pounds, value:{n}", ("how heavy is it?", "what does it weigh?", "is it heavy?")),
    "color": ('value:"green {n}"', ("what color is it?", "which colors are there?", "is the color green?")),
    "brand": ('value:"maker {n}"', ("who makes this?", "what brand is it?", "which company is the maker?")),
    "material": ('value:"oak {n}"', ("what is it made of?", "which material is it?", "is the fabric good?")),
    "batteries_included": ("value:false", ("are batteries included?", "does it come with batteries?", "do i need batteries?")),
}


def sentences() -> pl.DataFrame:
    """Return sentences with their intents."""
    rows = [(text.format(n=1000 + n), intent, intent.split("_")[1].upper()) for intent, texts in _WANTED.items() for text in texts for n in range(4)]
    return pl.DataFrame(rows, schema=["instruction", "intent", "category"], orient="row")


def pairs(items: int = 16) -> pl.DataFrame:
    """Return questions about items, with every attribute as a candidate."""
    rows, qid = [], 0
    for item in range(items):
        candidates = {name: f"{name}: {{ {value.format(n=item + 1)} }}" for name, (value, _) in _ATTRIBUTES.items()}
        for answer, (_, questions) in _ATTRIBUTES.items():
            qid += 1
            rows += [(qid, questions[item % 3], text, int(name == answer)) for name, text in candidates.items()]
    return pl.DataFrame(rows, schema=["qid", "question", "candidate", "label"], orient="row")
