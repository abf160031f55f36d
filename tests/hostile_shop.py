"""A shop whose every text tries to run as a script, to close a tag or an attribute, or to be filled in as a template."""

from __future__ import annotations

import polars as pl

from kg.tables import INTERACTION_COLUMNS, ITEM_COLUMNS, Catalog

TEXTS = (
    "<script>window.hacked=1</script>",
    "\"><img src=x onerror='window.hacked=1'>",
    "'><svg onload=window.hacked=1>",
    "{{ 7 * 7 }}{% for x in y %}",
    "javascript:window.hacked=1//",
    "</textarea></script><script>window.hacked=1</script>",
    "`${window.hacked=1}` <!-- --> &lt;b&gt; \u2028 &quot;",
    'x" onmouseover="window.hacked=1" hx-get="/console/sign-out" hx-trigger="load',
)
HOSTILE_USER = "<img src=x onerror=window.hacked=1>"


def hostile_catalog() -> Catalog:
    """Return the catalogue: ids, titles, descriptions, brands and categories are the texts above."""
    items = [
        {
            "item_id": f"{n}{text}"[:60],
            "title": f"{text} tea {n}",
            "description": f"{text} black tea. {text}",
            "brand": TEXTS[(n + 1) % 2],
            "categories": ["Tea", TEXTS[(n + 2) % 3]],
        }
        for n, text in enumerate(TEXTS)
    ]
    users = [HOSTILE_USER, "'\"><script>window.hacked=1</script>", "third"]
    events = [
        {"user_id": user, "item_id": items[(place + n) % len(items)]["item_id"], "kind": "purchase", "time": 1.7e9 + 100 * n + place, "quantity": 1.0}
        for place, user in enumerate(users)
        for n in range(4)
    ]
    return Catalog(pl.DataFrame(items, schema=dict(ITEM_COLUMNS)), pl.DataFrame(events, schema=dict(INTERACTION_COLUMNS)))
