"""Sentences with and without dietary and allergen claims, labelled by hand: what each states, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from kg.extract.pipeline import Extractor
from kg.tables import ITEM_COLUMNS

Claim = tuple[str, str]
Case = tuple[str, str, frozenset[Claim]]
"""(text, field, what it states)."""

RELATIONS = ("has_diet", "has_free_from", "has_claim")


def run(texts: Sequence[tuple[str, str]], language: str = "en") -> list[frozenset[Claim]]:
    """Return the dietary and allergen facts of each text."""
    rows = [
        {
            "item_id": str(number),
            "title": text if field == "title" else "Crunch bar",
            "description": text if field == "description" else None,
            "categories": ["Grocery"],
        }
        for number, (text, field) in enumerate(texts)
    ]
    found = Extractor(language).extract(pl.DataFrame(rows, schema=dict(ITEM_COLUMNS))).filter(pl.col("relation").is_in(list(RELATIONS)))
    stated: dict[str, set[Claim]] = {}
    for item_id, relation, value in found.select("item_id", "relation", "value").iter_rows():
        stated.setdefault(item_id, set()).add((relation, value))
    return [frozenset(stated.get(str(number), ())) for number in range(len(texts))]


def _diet(value: str, *free: str) -> frozenset[Claim]:
    return frozenset({("has_diet", value), *(("has_free_from", name) for name in free)})


def _free(*values: str) -> frozenset[Claim]:
    return frozenset(("has_free_from", value) for value in values)


NOTHING: frozenset[Claim] = frozenset()

_WORDS = {
    "gluten free": _diet("gluten free", "gluten"),
    "dairy free": _diet("dairy free", "dairy"),
    "sugar free": _diet("sugar free", "sugar"),
    "vegan": _diet("vegan"),
    "vegetarian": _diet("vegetarian"),
    "organic": _diet("organic"),
    "kosher": _diet("kosher"),
    "halal": _diet("halal"),
}
_TRUE_FRAMES = ("This snack is {}.", "A {} snack.", "Certified {}.", "It is naturally {}.", "100% {}", "These bars are {}.")
_FALSE_FRAMES = (
    "This snack is not {}.", "Not {}.", "This bar isn't {}.", "It is never {}.", "Is it {}? No.", "Ask us about our {} options.",
    "Serve with {} bread.", "It is not yet certified {}.", "Unlike our {} bars, this one has it all.", "Also try our {} cookies.",
    "It was {} until last year.", "A {} version is sold separately.", "{} products are available at our store.",
    "Almost {}.", "If you need {} food, choose another bar.", "For {} recipes see our site.", "Goes well with {} soup.",
)  # fmt: skip

PLAIN: list[Case] = [
    *((frame.format(word), "description", claims) for frame in _TRUE_FRAMES for word, claims in _WORDS.items()),
    ("Gluten-Free Oat Cookies 8 oz", "title", _WORDS["gluten free"]),
    ("Oat Cookies, Gluten Free, 8 oz", "title", _WORDS["gluten free"]),
    ("Vegan Chocolate Spread 200 g", "title", _WORDS["vegan"]),
    ("Organic Tomato Soup", "title", _WORDS["organic"]),
    ("Peanut Free Trail Mix", "title", _free("peanut")),
    ("Free from Gluten, Dairy and Soy Biscuits", "title", frozenset({("has_diet", "gluten free"), *_free("gluten", "dairy", "soy")})),
    ("Nut-Free Granola Bars", "title", _free("nuts")),
    ("Egg & Dairy Free Mayonnaise", "title", frozenset({("has_diet", "dairy free"), *_free("egg", "dairy")})),
    ("Ice Cream No Sugar Added", "title", _diet("no sugar added", "added sugar")),
    ("Lactose Free Milk 1 L", "title", _diet("lactose free", "lactose")),
    ("Contains no peanuts.", "description", _free("peanut")),
    ("Contains no gluten, soy or milk.", "description", _free("gluten", "soy", "milk")),
    ("Made without eggs.", "description", _free("egg")),
    ("This bar does not contain nuts.", "description", _free("nuts")),
    ("Free of palm oil.", "description", _free("palm oil")),
    ("No artificial colors or preservatives.", "description", _free("artificial colors", "preservatives")),
    ("Gluten free: yes", "description", _WORDS["gluten free"]),
    ("Suitable for vegans.", "description", _WORDS["vegan"]),
    ("Alcohol-free.", "description", _free("alcohol")),
    ("Non-GMO and vegan.", "description", frozenset({("has_diet", "non-gmo"), ("has_diet", "vegan")})),
]

FALSE: list[Case] = [
    *((frame.format(word), "description", NOTHING) for frame in _FALSE_FRAMES for word in _WORDS),
    *((text, "description", NOTHING) for text in (
        "May contain traces of nuts.", "May contain gluten.", "Made in a facility that also handles peanuts.",
        "Made in a bakery that is gluten free on Mondays only.", "Gluten free options available at the counter.", "Not suitable for vegans.",
        "Not suitable for people with a nut allergy.", "Unsuitable for vegetarians.", "Contains milk, soy and wheat.", "Contains gluten.",
        "Contains: peanuts.", "This product is far from gluten free.", "Anything but vegan.", "It is no longer organic.",
        "We hope to be certified organic soon.", "Organic certification pending.", "Vegan? Not quite.", "Gluten free: no",
        "Vegan: no", "Kosher: unknown", "Halal (not certified)", "Dairy free - no", "Our vegan friends love it too.",
        "Perfect for your vegan guests.", "A favourite of vegan chefs.", "Read our gluten free guide.", "See the vegan range.",
        "Replace it with our dairy free bar.", "Made with organic oats.", "Ingredients: organic oats, honey, almonds.",
        "Contains organic raisins.", "70% organic.", "Up to 90% organic.", "Mostly organic.", "Partly vegan.", "Nearly sugar free.",
        "Less sugar than the sugar free bar.", "Tastes better than any vegan snack.", "Compare it to gluten free bread.",
        "The packaging is vegan.", "Our bakery is nut free.", "Our factory is not nut free.", "The sauce is gluten free.",
        "Our other bars are vegan.", "Some flavors are gluten free.", "Most of the range is kosher.", "Depending on the batch it is dairy free.",
        "Check the label if you need dairy free food.", "People who eat gluten free should avoid it.", "Formerly vegan.",
        "It used to be gluten free.", "This is no gluten free product.", "There is no vegan version.", "Without any vegan claims.",
        "Cannot be sold as organic.", "Never was kosher.", "Don't call it vegan.", "It isn't gluten free or vegan.",
        "Neither vegan nor gluten free.", "Could be vegan.", "It should be gluten free.", "Would you like a vegan one?",
        "Try the sugar free flavor next.", "Pairs well with vegan cheese.", "Delicious on gluten free toast.", "Great with organic tea.",
        "Top it with dairy free cream.", "Use gluten free flour to bake your own.", "Vegan alternatives are sold separately.",
        "Gluten-free shoppers will find other bars.", "Not free from nuts.", "Not free of gluten.", "It is not without gluten.",
        "Cannot be guaranteed free from peanuts.", "We do not claim that it is nut free.", "Produced on lines shared with nut free products.",
        "Low gluten.", "Reduced gluten, not gluten free.", "Low sugar.", "Less fat.", "Contains less sugar.", "Contains dairy.",
        "With real milk.", "Peanut flavor.", "Soy sauce taste.", "Rich in caffeine.", "Natural.", "All natural goodness.",
        "Free shipping, gluten in every bite.", "Buy two, get sugar free.", "Vegan lifestyle magazine inside.",
        "Ask your doctor before going gluten free.", "Kosher salt adds crunch.", "Organic chemistry made easy.",
        "Non-vegan.", "Non-organic.", "Un-vegan and proud.", "Semi-vegetarian.", "Vegan-ish.", "Vegan-inspired.", "Halal style.",
        "Kosher style.", "Organic-like taste.", "Gluten-sensitive people beware.", "Celiac warning.",
    )),
    *((text, "title", NOTHING) for text in (
        "Not Gluten Free Bread", "Non-Vegan Cookies", "Gluten Free Cookbook", "Vegan Cooking for Beginners", "Vegan Leather Lunch Bag",
        "Gluten Test Kit", "Bread Maker with Gluten Free Program", "Blender for Vegan Smoothies", "Kosher Salt 3 lb", "Muesli with Organic Raisins",
        "Soy Sauce 500 ml", "Milk Chocolate Bar", "Almost Sugar Free Candy", "Never Vegan Jerky", "Vegan T-Shirt", "Organic Chemistry Textbook",
        "Cookies Made with Organic Flour", "Vegan Cheese Alternative Recipe Cards", "Regular Pasta (Not Gluten Free)", "Is It Vegan? The Snack Quiz",
        "Natural Twine 50 m", "Sugar Bowl", "Gluten Flour 1 kg", "Diet Scale Notebook Journal", "May Contain Nuts Mug",
    )),
]  # fmt: skip
