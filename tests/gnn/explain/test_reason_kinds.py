"""What every kind of reason holds to, what each of Reckon's own tells apart, and reasons that say the same."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.explain.display_titles import distinct_titles, shortened
from gnn.explain.explainer import Explainer, Explanation
from gnn.explain.kinds.base import REASONS, ReasonContext, ReasonKind, Source, kind_of
from gnn.explain.messages.languages import Languages, english
from gnn.explain.messages.message import say_in
from gnn.explain.reasons import Limits
from gnn.explain.sentences import history_text
from gnn.graph.arrays import GraphArrays
from gnn.recommend.recommender import Recommender
from kg.schema import EdgeType, MetaPath, meta_paths
from tests.gnn.oracles import shop
from tests.gnn.small import small_model

ALL = pytest.mark.parametrize("kind", REASONS.all(), ids=REASONS.names())
EDGES: list[EdgeType] = [
    ("user", "purchased", "item"),
    ("user", "did_wish", "item"),
    ("item", "has_brand", "brand"),
    ("item", "has_fabric_type", "fabric_type"),
    ("item", "directed_by", "directed_by"),
    ("item", "has_related", "related"),
    ("item", "mentions", "term"),
    ("item", "also_bought", "item"),
    ("item", "also_bought", "related"),
    ("item", "goes_under", "item"),
]
SOURCES: list[Source] = [*meta_paths(EDGES), "chosen_together", "read_alike"]
HISTORY = history_text(3, ["A", "B"], ["purchased"])


def context(source: Source, value: str = "", positions: frozenset[int] = frozenset({0, 1, 2})) -> ReasonContext:
    return ReasonContext(source, HISTORY, positions, value or ("v" if kind_of(source).by_value else ""), count=7)


def path(relation: str, value_type: str | None = None) -> MetaPath:
    (found,) = meta_paths([("item", relation, value_type or relation.removeprefix("has_"))])
    return found


def test_every_source_has_a_kind() -> None:
    for source in SOURCES:
        taking = [kind.name for kind in REASONS if kind.takes(source)]
        assert taking[0] == kind_of(source).name, source
        assert kind_of(source).tag == ("learned" if isinstance(source, str) else "graph")


@ALL
def test_a_kind_tells_what_it_takes_in_every_language(kind: ReasonKind) -> None:
    taken = [source for source in SOURCES if kind.takes(source)]
    assert taken
    for source in taken:
        message = kind.message(context(source))
        for language in Languages.of().names:
            text = Languages.of()[language].text(message)
            assert "A" in text
            assert "B" in text
            assert not re.search(r"[{}]", text)
            assert {int(number) for number in re.findall(r"\d+", text)} <= {3, 7}
        assert kind.scope(source, "v") in ("anywhere", "category", "kind", "nowhere")


@ALL
def test_a_reason_twice_is_one_reason(kind: ReasonKind) -> None:
    for source in (source for source in SOURCES if kind.takes(source) and not isinstance(source, str)):
        assert kind.joined(context(source), context(source)) is not None


def test_a_kind_with_another_tag_is_refused() -> None:
    class Loose(ReasonKind):
        name = "loose"
        tag = "popular"  # type: ignore[assignment]

        def takes(self, source: Source) -> bool:
            return False

        def message(self, context: ReasonContext) -> Any:
            return None

    with pytest.raises(ValueError, match="graph or learned"):
        REASONS.register(Loose())


@pytest.mark.parametrize(
    ("relation", "value", "scope"),
    [
        ("has_brand", "Leafy", "anywhere"),
        ("has_color", "red", "anywhere"),
        ("has_pack_size", "12 pack", "kind"),
        ("has_pack_size", "12", "kind"),
        ("has_weight", "100 g", "category"),
        ("has_dimensions", "600 × 1070 mm", "category"),
        ("has_hdmi_ports_quantity", "2", "kind"),
        ("has_hdmi_ports_quantity", "1", "nowhere"),
        ("has_ssd_capacity", "512", "nowhere"),
        ("has_height", "1991", "nowhere"),
        ("has_operating_temperature", "-40 - 70", "nowhere"),
        ("has_touchscreen", "yes", "kind"),
        ("has_touchscreen", "no", "nowhere"),
        ("has_rohs_compliance", "yes", "nowhere"),
        ("has_quantity_per_master_outer_case", "12", "nowhere"),
        ("has_usb_3_2_gen_1_3_1_gen_1_type_a_ports_quantity", "2", "nowhere"),
        ("has_packaging", "bottle", "kind"),
    ],
)
def test_where_a_value_may_be_a_reason(relation: str, value: str, scope: str) -> None:
    source = path(relation)
    assert kind_of(source).scope(source, value) == scope


@pytest.mark.parametrize(
    ("relation", "value", "sentence"),
    [
        ("has_gender", "girls", "For girls, like ‘X’, which you bought"),
        ("has_age_group", "adult", "For adults, like ‘X’, which you bought"),
        ("has_gender", "unisex", "Same gender as ‘X’, which you bought: unisex"),
        ("has_suitable_for", "Indoor", "Like ‘X’, which you bought: suitable for – Indoor"),
        ("has_manufacturer", "no. 2", "Same manufacturer as ‘X’, which you bought"),
        ("directed_by", "Wells", "Like ‘X’, which you bought: directed by – Wells"),
    ],
)
def test_values_read_as_a_person_says_them(relation: str, value: str, sentence: str) -> None:
    source = path(relation)
    message = kind_of(source).message(ReasonContext(source, history_text(1, ["X"], ["purchased"]), frozenset({0}), value))
    assert english().text(message) == sentence


@pytest.mark.parametrize(
    ("first", "second", "positions", "said"),
    [
        (("has_color", "black"), ("has_product_colour", "Black"), ({0, 1}, {0}), "has_color"),
        (("has_color", "black"), ("has_product_colour", "Black"), ({0}, {0, 1}), "has_product_colour"),
        (("has_color", "black"), ("has_product_colour", "Black"), ({0}, {1}), None),
        (("has_color", "black"), ("has_product_colour", "white"), ({0}, {0}), None),
        (("has_color", "black"), ("has_finish", "black"), ({0}, {0}), None),
        (("has_type", "Rack"), ("has_product_type", "rack"), ({0}, {0}), "has_type"),
        (("has_quantity_per_pack", "50"), ("has_pack_size", "50 pack"), ({0}, {0}), "has_quantity_per_pack"),
        (("has_number_of_ports", "4"), ("has_number_of_cores", "4"), ({0}, {0}), None),
    ],
)
def test_near_repeats_are_said_once(first: tuple[str, str], second: tuple[str, str], positions: tuple[set[int], set[int]], said: str | None) -> None:
    own, other = (
        ReasonContext(path(relation), history_text(len(place), ["X", "Y"][: len(place)], ["purchased"]), frozenset(place), value)
        for (relation, value), place in zip((first, second), positions, strict=True)
    )
    kind = kind_of(own.source)
    wanted = {None: None, first[0]: kind.message(own), second[0]: kind.message(other)}[said]
    assert kind.joined(own, other) == wanted


@pytest.mark.parametrize(
    ("first", "second", "positions", "said"),
    [
        ("teacup", "regency teacup", ({0, 1}, {0, 1}), "regency teacup"),
        ("regency teacup", "teacup", ({0, 1}, {0, 1}), "regency teacup"),
        ("cookie cutters", "cutters", ({0}, {0, 1}), "cutters"),
        ("cookie cutters", "cutters", ({0, 1}, {0}), None),
        ("cup", "teacup", ({0}, {0}), None),
        ("tea plate", "regency", ({0}, {0}), None),
    ],
)
def test_a_term_within_a_longer_one_is_said_once(first: str, second: str, positions: tuple[set[int], set[int]], said: str | None) -> None:
    own, other = (
        ReasonContext(path("mentions"), history_text(len(place), ["X", "Y"][: len(place)], ["purchased"]), frozenset(place), term)
        for term, place in zip((first, second), positions, strict=True)
    )
    kind = kind_of(own.source)
    wanted = {None: None, first: kind.message(own), second: kind.message(other)}[said]
    assert kind.joined(own, other) == wanted


def served(graph: GraphArrays, folder: Path) -> Recommender:
    """Return a recommender whose scores are paths alone."""
    model = replace(small_model(graph, 1, half_life=None), learned_gate=0.0, weights_gate=0.0, item_weights=None)
    return Recommender(load_artifact(save_artifact(folder / "a", graph, model, build_id="20240101T000000-abcdef")))


def explained(recommender: Recommender, user: str, item: str) -> Explanation:
    history = recommender.users.user(user).history
    return Explainer(recommender.artifact).explain(history, recommender.artifact.item_nums[item], max_reasons=50)


def sentences(context: Explanation) -> dict[str, float]:
    shown = {reason.sentence: reason.share for reason in context.reasons}
    assert len(shown) == len(context.reasons)
    assert sum(shown.values()) + context.remainder == pytest.approx(1)
    for reason in context.reasons:
        assert sum(path.share for path in reason.paths) + reason.share_not_shown == pytest.approx(reason.share)
    return shown


def facts(*rows: str) -> list[tuple[str, str, str]]:
    return [(item, relation, value) for item, relation, value in (row.split(":") for row in rows)]


def test_a_pack_size_joins_no_eggs_and_chewing_gum(tmp_path: Path) -> None:
    rows = facts(*(f"{item}:has_pack_size:12 pack" for item in ("eggs", "gum", "brown eggs")))
    rows += facts("eggs:has_category:Eggs", "brown eggs:has_category:Eggs", "gum:has_category:Gum", "mint gum:has_category:Gum")
    rows += facts("gum:has_brand:Acme", "eggs:has_brand:Acme")
    graph, _ = shop(["eggs", "gum", "brown eggs", "mint gum"], [{"user_id": "u", "item_id": "eggs"}], rows)
    recommender = served(graph, tmp_path)
    assert set(sentences(explained(recommender, "u", "gum"))) == {"Same brand as ‘eggs’, which you bought: Acme"}
    assert explained(recommender, "u", "gum").remainder > 0
    near = explained(recommender, "u", "brown eggs")
    assert set(sentences(near)) == {"Same pack size as ‘eggs’, which you bought: 12 pack", "Same category as ‘eggs’, which you bought: Eggs"}
    assert near.remainder == 0


def test_a_value_is_told_of_the_history_items_of_its_kind_alone(tmp_path: Path) -> None:
    rows = facts(*(f"{item}:has_pack_size:12 pack" for item in ("eggs", "gum", "brown eggs")))
    rows += facts("eggs:has_category:Eggs", "brown eggs:has_category:Eggs", "gum:has_category:Gum", "mint gum:has_category:Gum")
    events = [{"user_id": "u", "item_id": item} for item in ("eggs", "gum")]
    graph, _ = shop(["eggs", "gum", "brown eggs", "mint gum"], events, rows)
    context = explained(served(graph, tmp_path), "u", "brown eggs")
    shown = sentences(context)
    assert "Same pack size as ‘eggs’, which you bought: 12 pack" in shown
    assert context.remainder > 0


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (["has_voltage:220 V"], "Same voltage as ‘fan’, which you bought"),
        (["has_height:1991"], "Same height as ‘fan’, which you bought"),
        (["has_touchscreen:no"], "A detail in common with ‘fan’, which you bought"),
        (["has_compliance:RoHS"], "A detail in common with ‘fan’, which you bought"),
        (["has_touchscreen:no", "has_voltage:220 V"], "Same voltage as ‘fan’, which you bought"),
    ],
)
def test_where_nothing_is_worth_stating_a_field_is_named_or_else_a_detail(tmp_path: Path, stated: list[str], said: str) -> None:
    rows = facts(*(f"{item}:{fact}" for item in ("fan", "kit") for fact in stated), "fan:has_category:Fans", "kit:has_category:Kits")
    graph, _ = shop(["fan", "kit"], [{"user_id": "u", "item_id": "fan"}], rows)
    context = explained(served(graph, tmp_path), "u", "kit")
    assert [reason.sentence for reason in context.reasons] == [said]
    assert context.reasons[0].share + context.remainder == pytest.approx(1)


def test_two_fields_of_one_name_are_one_reason_with_the_paths_of_both(tmp_path: Path) -> None:
    rows = facts(*(f"{item}:{relation}:black" for item in ("pen", "ink") for relation in ("has_color", "has_product_colour")))
    graph, _ = shop(["pen", "ink"], [{"user_id": "u", "item_id": "pen"}], rows)
    context = explained(served(graph, tmp_path), "u", "ink")
    (reason,) = context.reasons
    assert reason.sentence in ("Same color as ‘pen’, which you bought: black", "Same product colour as ‘pen’, which you bought: black")
    assert reason.share == pytest.approx(1)
    assert len(reason.paths) == 2
    assert context.remainder == 0


def test_titles_cut_alike_are_told_apart_by_where_they_differ(tmp_path: Path) -> None:
    graph, _ = shop(["a", "b"], [{"user_id": "u", "item_id": "a"}], [])
    titles = tuple(f"Conair CD400R You Wave three-barrel Ceramic Styler for hair, {color}" for color in ("Orange", "Night blue"))
    artifact = served(replace(graph, titles=titles), tmp_path).artifact
    shown = [english().text(title) for title in distinct_titles(artifact, [0, 1], shortened).values()]
    assert [text.rpartition("(")[2] for text in shown] == ["…Orange)", "…Night blue)"]
    assert all(text.startswith("Conair CD400R You Wave") for text in shown)


def links(relation: str) -> dict[str, MetaPath]:
    return {source.name: source for source in meta_paths([("item", relation, "item"), ("item", relation, "related")])}


def test_a_link_both_ways_is_one_reason() -> None:
    also, history = links("also_bought"), history_text(1, ["X"], ["purchased"])
    forward, reverse = (ReasonContext(also[name], history, frozenset({0})) for name in ("also_bought", "also_bought_reverse"))
    both = kind_of(forward.source).joined(forward, reverse)
    assert both is not None
    assert english().text(both) == "Often bought by the same shoppers as ‘X’, which you bought"
    assert kind_of(forward.source).joined(forward, replace(reverse, positions=frozenset({1}))) is None
    assert kind_of(forward.source).joined(forward, ReasonContext(links("bought_together")["bought_together"], history, frozenset({0}))) is None


def test_a_link_that_reads_the_same_both_ways_is_said_of_all_its_items() -> None:
    together = links("bought_together")
    one = ReasonContext(together["bought_together"], history_text(1, ["X"], ["purchased"]), frozenset({0}))
    two = ReasonContext(together["bought_together_reverse"], history_text(2, ["X", "Y"], ["purchased"]), frozenset({0, 1}))
    said = kind_of(one.source).joined(one, two)
    assert said is not None
    assert english().text(said) == "Often bought together with 2 items you bought (‘X’ and ‘Y’)"


def test_links_inside_and_outside_the_catalogue_are_one_reason() -> None:
    also = links("also_bought")
    inside, outside = (ReasonContext(also[name], HISTORY, frozenset({0, 1, 2})) for name in ("also_bought_shared", "also_bought_related"))
    kind = kind_of(inside.source)
    assert kind is kind_of(outside.source)
    assert kind.joined(inside, outside) == kind.message(inside)
    assert kind.joined(inside, replace(outside, positions=frozenset({2, 3}))) is None


def test_words_of_its_own_come_in_the_language_of_the_answer() -> None:
    both, alone = (say_in(words, value="mint") for words in ({"en": "tastes of {value}", "zh": "{value}口味"}, {"en": "tastes of {value}"}))
    languages = Languages.of()
    assert [languages[name].text(both) for name in ("en", "zh")] == ["tastes of mint", "mint口味"]
    assert [languages[name].text(alone) for name in ("en", "zh")] == ["tastes of mint"] * 2


def test_what_is_too_small_is_left_to_the_remainder(tmp_path: Path) -> None:
    rows = facts(*(f"{item}:{relation}:v" for item in ("pen", "ink") for relation in ("has_brand", "has_color", "has_style")))
    graph, _ = shop(["pen", "ink"], [{"user_id": "u", "item_id": "pen"}], rows)
    recommender = served(graph, tmp_path)
    history = recommender.users.user("u").history
    (context,) = Explainer(recommender.artifact).explain_all(history, [recommender.artifact.item_nums["ink"]], Limits(min_share=0.99))
    assert len(context.reasons) == 1
    assert context.reasons[0].share + context.remainder == pytest.approx(1)
    assert context.remainder > 0
