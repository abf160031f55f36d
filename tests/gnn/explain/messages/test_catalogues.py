"""The shipped catalogues: the same keys and placeholders, plurals and lists, and who gets which language."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnn.explain.kinds.base import ReasonContext, kind_of
from gnn.explain.messages.catalogue import Catalogue, placeholders
from gnn.explain.messages.languages import Languages, english
from gnn.explain.messages.message import Listing, Message, Number, Quoted, decimals, plain, say
from gnn.explain.sentences import history_text, relation_template
from kg import schema
from kg.schema import MetaPath, meta_paths, named_relations

LANGUAGES = Languages.of()
CATALOGUES = [LANGUAGES[name] for name in LANGUAGES.names]
CHINESE = LANGUAGES["zh"]
COUNTED = [key for key, forms in english().templates.items() if any("{count}" in form for form in forms.values())]


def numbers(text: str) -> list[float]:
    return [float(found.replace(",", "")) for found in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]


def test_catalogues_have_the_same_keys_and_placeholders() -> None:
    for catalogue in CATALOGUES:
        assert catalogue.templates.keys() == english().templates.keys()
        assert catalogue.formats.keys() == english().formats.keys()
        for key, forms in catalogue.templates.items():
            assert placeholders(forms["other"]) == placeholders(english().templates[key]["other"]), key


def test_chinese_is_chinese() -> None:
    bare = {key for key, forms in CHINESE.templates.items() if not re.search(r"[一-鿿]", re.sub(r"\{\w+\}", "", "".join(forms.values())))}
    assert bare <= {"list.and.last", "list.and.more", "list.or.more", "list.comma.last", "list.comma.more", "title.twin", "history.one.looked_at"} | {
        "link_name.other",
        "for_whom.other",
    }
    assert not re.search(r"[A-Za-z]", "".join(re.sub(r"\{\w+\}", "", form) for forms in CHINESE.templates.values() for form in forms.values()))


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda catalogue: catalogue.language)
@given(st.integers(min_value=0, max_value=10**9))
def test_a_count_is_written_as_it_is(catalogue: Catalogue, count: int) -> None:
    words = {"once": 1, "in the day": 1, "nobody but you": 0, "除您之外没有其他顾客": 0}
    for key in COUNTED:
        arguments = dict.fromkeys(placeholders(english().templates[key]["other"]) - {"count"}, "x")
        text = catalogue.text(Message(key, {**arguments, "count": count}))
        assert numbers(text) == [count] or any(word in text.lower() and count == n for word, n in words.items()), text


@given(st.integers(min_value=0, max_value=10**9))
def test_english_plurals(count: int) -> None:
    text = english().text(say("shoppers.all", count=count))
    assert text.endswith(" shopper") == (count == 1)
    assert english().text(count) == f"{count:,}"


@given(st.floats(min_value=0, max_value=1e6), st.integers(0, 3))
def test_decimals_are_those_of_python(value: float, places: int) -> None:
    assert english().text(decimals(value, places)) == f"{value:,.{places}f}"
    assert english().text(plain(value)) == f"{value:g}"


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda catalogue: catalogue.language)
@given(st.lists(st.text(alphabet="abc{}‘’“”、", min_size=1, max_size=5), min_size=1, max_size=6), st.sampled_from(["and", "or", "comma"]))
def test_lists_hold_every_part_in_order(catalogue: Catalogue, parts: list[str], kind: str) -> None:
    text = catalogue.text(Listing(tuple(parts), kind))  # type: ignore[arg-type]
    at = 0
    for part in parts:
        at = text.index(part, at) + len(part)
    assert (text == parts[0]) == (len(parts) == 1)


def test_lists_quotes_numbers_and_dates_read_as_they_should() -> None:
    both = Listing((Quoted("A"), Quoted("B")))
    assert (english().text(both), CHINESE.text(both)) == ("‘A’ and ‘B’", "“A”、“B”")
    three = Listing(("a", "b", "c"), "or")
    assert (english().text(three), CHINESE.text(three)) == ("a, b or c", "a、b或c")
    assert CHINESE.text(date(2024, 5, 1)) == "2024年5月1日"
    assert english().text(date(2024, 5, 1)) == "2024-05-01"
    assert CHINESE.text(1_234_567) == "1,234,567"
    assert english().text(Number("1e-07", grouped=False)) == "1e-07"


def paths(*edge_types: tuple[str, str, str]) -> list[MetaPath]:
    return list(meta_paths(edge_types))


def reason_sentence(meta_path: MetaPath, *, history: Message, value: str = "", count: int = 0, several: bool = False) -> Message:
    return kind_of(meta_path).message(ReasonContext(meta_path, history, frozenset({0, 1} if several else {0}), value, count))


def test_chinese_reasons_read_as_a_shop_writes_them() -> None:
    one, three = history_text(1, ["X"], ["purchased"]), history_text(3, ["A", "B"], ["purchased"])
    (bought,), (brand,) = paths(("user", "purchased", "item")), paths(("item", "has_brand", "brand"))
    (own,) = paths(("item", "has_fabric_type", "fabric_type"))
    any_of = reason_sentence(bought, history=three, count=1_234, several=True)
    said = {
        "另有 7 位顾客同时购买了本商品和您买过的“X”": reason_sentence(bought, history=one, count=7),
        "除您之外没有其他顾客同时购买了本商品和您买过的“X”": reason_sentence(bought, history=one, count=0),
        "另有 1,234 位顾客既购买了本商品，也购买了您买过的“A”、“B”等 3 件商品中的至少一件": any_of,
        "与您买过的“X”品牌相同：Leafy": reason_sentence(brand, history=one, value="Leafy"),
        "与您买过的“X”的“fabric type”相同：棉": reason_sentence(own, history=one, value="棉"),
    }
    assert [CHINESE.text(message) for message in said.values()] == list(said)


def test_every_relation_has_a_sentence_in_every_language() -> None:
    assert relation_template("has_pack_size") == "Same pack size as {history}: {value}"
    history = history_text(1, ["X"], ["viewed"])
    names = [relation.name for relation in named_relations()]
    valued = [name for name in names if name.startswith("has_") or name == schema.MENTIONS]
    edges = [("user" if name in schema.KIND_RELATIONS.values() else "item", name, "item") for name in names if name not in valued]
    edges += [("item", name, schema.value_type(name)) for name in [*valued, "has_color", "has_weight"]]
    for meta_path in meta_paths([*edges, ("user", "did_wish", "item"), ("item", "goes_under", "item")]):
        for several in (False, True):
            message = reason_sentence(meta_path, history=history, value="v" if meta_path.family == "attribute" else "", count=7, several=several)
            texts = [catalogue.text(message) for catalogue in CATALOGUES]
            assert numbers(texts[0]) == numbers(texts[1])
            assert all("X" in text for text in texts)
            if meta_path.relation in names:
                assert not re.search(r"[a-z]{2,}", texts[1])


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh", "zh"),
        ("zh-CN", "zh"),
        ("ZH_cn", "zh"),
        ("zh-Hant", "zh"),
        ("zh-Hant-TW,en;q=0.1", "zh"),
        ("cmn-Hans-CN", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("en;q=0.5, zh;q=0.9", "zh"),
        ("zh;q=0.9, en", "en"),
        ("de, zh;q=0.5", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("de-CH, fr", "en"),
        ("*", "en"),
        ("", "en"),
        ("zh;q=abc", "en"),
        (";;q=,,=", "en"),
        ("zh" * 600, "en"),
        ("\u00e4\u00f6, zh;q=0.1", "zh"),
    ],
)
def test_the_caller_chooses_the_language(header: str, language: str) -> None:
    assert LANGUAGES.negotiated(header) == language


@pytest.mark.parametrize(
    ("default", "header", "language"), [("zh", "", "zh"), ("zh", "de", "zh"), ("zh", "en", "en"), ("de", "", "en"), ("zh", "*", "zh")]
)
def test_the_shop_has_a_language(default: str, header: str, language: str) -> None:
    assert Languages.of(default).negotiated(header) == language


@given(st.text(max_size=80))
def test_no_header_is_too_odd(header: str) -> None:
    assert LANGUAGES.negotiated(header) in LANGUAGES.names
