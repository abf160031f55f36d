"""Markup, entities, addresses and unusual characters are not read, and evidence still points into the stored text."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.extract.pipeline import Extractor
from kg.extract.text import plain, readable
from kg.tables import ITEM_COLUMNS


def read(title: str, description: str, language: str = "en") -> pl.DataFrame:
    row = {"item_id": "1", "title": title, "description": description, "categories": ["Kitchen"]}
    return Extractor(language).extract(pl.DataFrame([row], schema=dict(ITEM_COLUMNS)))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Camera 360&deg; <b>view</b>", "Camera 360° view"),
        ("Kids&#39; cup &amp; saucer", "Kids' cup & saucer"),
        ("&amp;lt;i&amp;gt;Deluxe&amp;lt;/i&amp;gt; kettle", "Deluxe kettle"),
        ("Bowl<br/>blue", "Bowl blue"),
        ("R&D kit AT&T", "R&D kit AT&T"),
        ("Ruler <30 cm", "Ruler <30 cm"),
        ("Story <Part Two>", "Story <Part Two>"),
        ("Cup<script>var colour = 'red'</script>", "Cup"),
        ("Plain cup", "Plain cup"),
    ],
)
def test_a_title_is_shown_without_markup(raw: str, shown: str) -> None:
    assert plain(raw) == shown


@pytest.mark.parametrize(
    "description",
    [
        "<style>.box { color: black }</style><p>A cup.</p>",
        '<p style="color:black" class="black">A cup.</p>',
        '<img src="black.jpg" alt="x"> A cup.',
        "A cup, see cup-black.png",
        "A cup. https://shop.example/black/cup?colour=black",
        "<!-- black --> A cup. <script>paint('black')</script>",
        "&lt;span class=&quot;black&quot;&gt;A cup.&lt;/span&gt;",
    ],
)
def test_what_is_no_text_states_nothing(description: str) -> None:
    assert read("Cup", description).filter(relation="has_color").is_empty()


@pytest.mark.parametrize(
    ("description", "surface"),
    [
        ("<b>Red</b>glaze", "Red"),
        ("glaze<br>red", "red"),
        ("<ul><li>ceramic</li><li>red</li></ul>", "red"),
        ("Fine &amp; <em>red</em>, 350 ml", "red"),
    ],
)
def test_words_that_touch_a_tag_are_read_where_they_stand(description: str, surface: str) -> None:
    (fact,) = read("Cup", description).filter(relation="has_color").iter_rows(named=True)
    assert fact["value"] == "red"
    assert description[fact["start"] : fact["end"]] == fact["surface"] == surface


def test_full_width_and_traditional_text_keeps_its_places() -> None:
    title = "純棉毛巾 ３５０ｇ×２條"
    found = read(title, "", "zh")
    assert set(found.filter(field="title").select("relation", "value").iter_rows()) == {
        ("has_material", "棉"),
        ("has_weight", "350 g"),
        ("has_pack_size", "2 pack"),
    }
    for fact in found.filter(field="title").iter_rows(named=True):
        assert title[fact["start"] : fact["end"]] == fact["surface"]


@given(st.text(alphabet="<>&;/abr#x3 ３½\n\"'=-!", max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_text_has_a_readable_form_with_places(raw: str) -> None:
    form = readable(raw)
    for n in range(len(form.text)):
        start, end = form.stored(n, n + 1)
        assert 0 <= start < end <= len(raw)
    assert plain(plain(raw)) == plain(raw) or "&" in raw
