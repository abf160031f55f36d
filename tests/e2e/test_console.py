"""The console in a real browser: a real task on every page, on a shop half of whose texts try to run as scripts. One server, one browser.

After every step: no script error and nothing refused by the content policy in the log, no request to elsewhere, nothing of the shop executed, and no
serious finding of axe-core.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest

from api.keys.key_store import KeyStore
from kg.embedded import EmbeddedGraph
from kg.extract.pipeline import Extractor
from kg.store import GraphStore
from kg.tables import Catalog
from kg.workspace import Workspace
from tests.hostile_shop import HOSTILE_USER, TEXTS, hostile_catalog
from tests.small_shop import BUILD_ID, publish_small_shop, serving, small_app, small_catalog, small_tables

pytestmark = pytest.mark.slow
AXE = (Path(__file__).parents[1] / "vendor" / "axe-core-4.14.1" / "axe.min.js").read_text(encoding="utf-8")
FINDINGS = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
    .filter(found => ['serious', 'critical'].includes(found.impact))
    .map(found => `${found.id}: ${found.nodes.slice(0, 3).map(node => node.html + ' ' + (node.any[0] ? node.any[0].message : '')).join(' | ')}`)"""


class Reader:
    """Somebody with a browser, and what went wrong in it."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url = page, url
        self.wrong: list[str] = []
        page.set_default_timeout(60_000)
        page.on("console", lambda line: self.wrong.append(f"{line.type}: {line.text}") if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.wrong.append(f"script error: {error}"))
        page.on("request", lambda request: None if request.url.startswith((url, "data:", "blob:")) else self.wrong.append(f"asked {request.url}"))
        page.on("dialog", lambda dialog: dialog.accept())

    def sign_in(self, key: str) -> Reader:
        """Sign in by the form."""
        self.page.goto(f"{self.url}/console/sign-in")
        self.sound()
        self.page.fill("#key", key)
        self.page.click("button.main")
        self.page.wait_for_selector("nav.pages")
        return self

    def goto(self, address: str) -> None:
        """Open a page and wait for its parts."""
        self.page.goto(f"{self.url}{address}")
        self.settled()

    def settled(self) -> None:
        """Wait until no part of the page is on its way."""
        self.until("document.readyState === 'complete' && !document.querySelector('.htmx-request')")

    def until(self, condition: str) -> None:
        """Wait for a condition; the page itself may evaluate no text, so it is asked from outside again and again."""
        for _ in range(1_200):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{condition} does not become true on {self.page.url}")

    def sound(self, *, accessible: bool = True) -> None:
        """See that nothing is wrong."""
        assert self.page.evaluate("window.hacked") is None
        assert not self.wrong, self.wrong
        if accessible:
            self.page.evaluate(AXE)
            assert self.page.evaluate(FINDINGS) == [], self.page.url

    def fits(self) -> None:
        """See that the page is no wider than the window."""
        wide = "() => [document.documentElement.scrollWidth, window.innerWidth]"
        scroll, window = self.page.evaluate(wide)
        assert scroll <= window, self.page.url


@pytest.fixture(scope="module")
def workspace(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The small shop, and the hostile one in the same catalogue."""
    both = [small_catalog(), hostile_catalog()]
    catalog = Catalog(pl.concat([each.items for each in both]), pl.concat([each.interactions for each in both]))
    workspace = publish_small_shop(tmp_path_factory.mktemp("console") / "shop", catalog)
    # What a build keeps of texts and their evidence beside the artifact.
    build = workspace.build(BUILD_ID)
    (build / "catalog").mkdir()
    catalog.items.write_parquet(build / "catalog" / "items.parquet")
    Extractor().extract(catalog.items).write_parquet(build / "attributes.parquet")
    return workspace


@pytest.fixture(scope="module")
def url(workspace: Workspace) -> Iterator[str]:
    """The served shop, with its graph."""
    both = [small_catalog(), hostile_catalog()]
    catalog = Catalog(pl.concat([each.items for each in both]), pl.concat([each.interactions for each in both]))
    with EmbeddedGraph(workspace.graph, heap_mb=256) as connection, GraphStore(connection) as store:
        store.wait(60)
        store.load(small_tables(catalog), BUILD_ID)
        with serving(small_app(workspace)) as address:
            yield address


@pytest.fixture(scope="module")
def key(workspace: Workspace) -> str:
    return KeyStore(workspace.keys).create(["admin"], name=TEXTS[1][:60])


@pytest.fixture
def reader(browser: Any, url: str, key: str) -> Iterator[Reader]:
    """Somebody who signed in."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    try:
        yield Reader(context.new_page(), url).sign_in(key)
    finally:
        context.close()


def test_overview_shows_what_goes_on(reader: Reader) -> None:
    page = reader.page
    assert page.url.endswith("/console/overview")
    page.wait_for_selector("text=Gates of this build")
    page.wait_for_selector("text=in the last 24 hours")
    assert "16" in page.inner_text(".tiles")
    reader.sound()


def test_explain_answers_why_why_not_and_what_if(reader: Reader) -> None:
    page = reader.page
    reader.goto("/console/explain")
    reader.sound()
    page.fill("#user", "u")
    page.press("#user", "Enter")
    page.wait_for_selector(".items .item")
    first = page.inner_text(".item h2 >> nth=0")
    assert "user=u" in page.url
    reader.sound()
    # Controls act at once.
    page.fill("#k", "3")
    page.press("#k", "Tab")
    reader.until("document.querySelectorAll('.items > .item').length === 3")
    page.click(".item button[data-opens] >> nth=0")
    page.wait_for_selector(".full canvas")
    page.click(".full button:has-text('without it') >> nth=0")
    page.wait_for_selector(".effect dl")
    reader.sound()
    page.fill("#wanted", "8")
    page.click("button:has-text('Why not?')")
    page.wait_for_selector("#why-not table")
    # What if this had never been met?
    page.check("#history-off input >> nth=0")
    page.wait_for_selector("text=this is not the list that is served")
    assert "item_off=" in page.url
    reader.sound()
    link = page.get_attribute("text=Link to this", "href")
    reader.goto(link)
    page.wait_for_selector("text=this is not the list that is served")
    page.click("text=Back to the real one")
    page.wait_for_selector(".items .item")
    assert page.inner_text(".item h2 >> nth=0") == first


def test_graph_is_explored_down_to_the_text(reader: Reader) -> None:
    page = reader.page
    reader.goto("/console/graph")
    page.fill("#q", "green")
    page.click("#found button >> nth=0")
    page.wait_for_selector("#panel h2:has-text('Green tea 250 g')")
    page.click("[data-expand]")
    page.wait_for_selector("[data-rows] tr:nth-child(3)")
    assert "Leafy" in page.inner_text("[data-rows]")
    reader.sound()
    # An edge that was read from the title: its span is marked.
    page.click("[data-rows] button:has-text('HAS_WEIGHT')")
    page.wait_for_selector("#panel mark")
    assert page.inner_text("#panel mark") == "250 g"
    page.fill("#first", "Item:1")
    page.fill("#last", "Item:2")
    page.click("button:has-text('Find paths')")
    page.wait_for_selector("[data-rows] button:has-text('Black tea')")
    for kind in ("csv", "graphml", "png"):
        with page.expect_download() as download:
            page.click(f"[data-export={kind}]")
        saved = Path(download.value.path()).read_bytes()
        assert {"csv": b"HAS_BRAND", "graphml": b"<graphml", "png": b"\x89PNG"}[kind] in saved
    # The address is the view: opened again, the same nodes and edges.
    named = "document.querySelector('[data-explore]').cy.edges().map(edge => edge.id()).filter(id => !id.includes('~')).sort()"
    edges = page.evaluate(named)
    assert len(edges) > 5
    reader.goto(page.url.removeprefix(reader.url))
    reader.until(f"{named}.length >= {len(edges)}")
    assert page.evaluate(named) == edges
    reader.sound()


def test_cypher_is_written_run_drawn_and_kept(reader: Reader) -> None:
    page = reader.page
    reader.goto("/console/cypher")
    page.fill("#query", "")
    page.type("#query", "MATCH (i:Item)-[:HAS_BR")
    page.wait_for_selector("#completions li:has-text('HAS_BRAND')")
    page.press("#query", "Tab")
    page.type("#query", "]->(b:Bran")
    page.press("#query", "Enter")
    page.type("#query", ") RETURN b.value AS brand, count(i) AS items ORDER BY items DESC, brand")
    page.press("#query", "Control+Enter")
    page.wait_for_selector("#result table")
    assert "Leafy" in page.inner_text("#result table")
    page.wait_for_selector("#result .chart canvas")
    reader.sound()
    assert "MATCH (i:Item)-[:HAS_BRAND]" in page.inner_text("[data-history]")
    page.fill("#name", "<b>Brands</b>")
    page.click("button:has-text('Save') >> nth=-1")
    page.wait_for_selector("#saved button:has-text('<b>Brands</b>')")
    with page.expect_download() as download:
        page.click("[data-plain]")
    assert Path(download.value.path()).read_bytes().startswith(b"brand,items\r\n")
    page.fill("#query", "MATCH (n) DETACH DELETE n")
    page.press("#query", "Control+Enter")
    page.wait_for_selector("#result .alert.bad")
    assert "column" in page.inner_text("#result")
    # The browser notes that the answer was a refusal; nothing else may be wrong.
    assert all("403" in line for line in reader.wrong), reader.wrong
    reader.wrong.clear()
    page.fill("#query", "MATCH p = (i:Item)-[:HAS_BRAND]->(:Brand) RETURN p LIMIT 3")
    page.press("#query", "Control+Enter")
    page.wait_for_selector("#result .graph-pair canvas")
    page.click("#saved button:has-text('Delete')")
    page.wait_for_selector("#saved .empty")
    reader.sound()


def test_a_question_of_the_library_is_answered_by_its_form(reader: Reader) -> None:
    page = reader.page
    reader.goto("/console/cypher/library")
    page.fill("#q", "best sellers")
    reader.until("document.querySelectorAll('#questions tbody tr').length < 5")
    reader.sound()
    page.click("a:has-text('Best sellers of a category')")
    page.fill("#p_category", "Tea")
    page.click("button:has-text('Answer')")
    page.wait_for_selector("#result table")
    assert "Herbal tea" in page.inner_text("#result")
    reader.sound()


def test_a_fact_is_dropped_with_its_effect_seen_and_undone(reader: Reader) -> None:
    page = reader.page
    reader.goto("/console/facts?category=Tea")
    reader.sound()
    reader.goto("/console/facts/correct?item=1&relation=has_weight&value=250+g")
    assert page.inner_text("main mark") == "250 g"
    page.check("input[value=drop]")
    page.wait_for_selector("#effect table")
    assert page.locator("#effect tbody tr").count() == 9
    reader.sound()
    page.fill("#note", "<script>window.hacked=1</script>")
    page.click("button:has-text('Save the correction')")
    page.wait_for_selector("#corrections table")
    assert "has_weight 250 g" in page.inner_text("#corrections")
    reader.sound()
    page.click("#corrections button:has-text('Undo')")
    page.wait_for_selector("text=undone by")
    for queue in ("conflicts", "duplicates", "inferred"):
        reader.goto(f"/console/facts?queue={queue}&category=Tea")
        reader.sound()


def test_a_rule_is_tried_published_and_deleted(reader: Reader) -> None:
    page = reader.page
    reader.goto("/console/rules")
    reader.sound()
    page.click("text=New rule")
    page.fill("#rule_id", "summer")
    page.fill("#name", "'><img src=x onerror=window.hacked=1>")
    page.fill("#factor", "3")
    page.fill("#categories", "Coffee")
    page.click("button:has-text('Preview')")
    page.wait_for_selector("text=lists would change")
    reader.sound()
    page.click("button:has-text('Publish')")
    page.wait_for_selector("text=every worker applies it")
    reader.sound()
    reader.goto("/console/explain?user=u")
    assert page.is_visible("fieldset:has-text('Business rules')")
    reader.sound()
    reader.goto("/console/rules")
    page.click("button:has-text('Delete')")
    page.wait_for_selector("text=No rules")
    reader.sound()


def test_builds_are_listed_and_another_one_is_asked_for_twice(reader: Reader) -> None:
    page = reader.page
    reader.goto("/console/builds")
    assert "answers" in page.inner_text("tbody")
    reader.sound()
    page.click(f"a:has-text('{BUILD_ID}')")
    page.wait_for_selector("h1")
    reader.sound()
    reader.goto(f"/console/builds/confirm?action=publish&build={BUILD_ID}")
    reader.sound()
    page.click("button.danger")
    # Not ticked: the browser asks for it, and nothing is sent.
    assert page.url.endswith(f"build={BUILD_ID}")


def test_nothing_that_a_shop_says_is_run(reader: Reader) -> None:
    page = reader.page
    forms = [
        "/console/explain?user={user}&brand={text}",
        "/console/explain?user={text}&filter={text}",
        "/console/explain?history={item}",
        "/console/graph?node=Item:{item}&node=Brand:{text}",
        "/console/cypher?query={text}&parameters={text}",
        "/console/facts?category={text}",
        "/console/facts/correct?item={item}&relation=has_brand&value={text}",
        "/console/rules/edit?rule={text}",
        "/console/cypher/library?q={text}",
    ]
    # Every form with three texts, every text in three forms and more; titles and values of all of them are on the lists in any case.
    for n, form in enumerate(forms * 3):
        text = TEXTS[n % len(TEXTS)]
        fields = {"user": HOSTILE_USER, "text": text, "item": f"{n % len(TEXTS)}{text}"[:60]}
        reader.goto(form.format(**{name: quote(value, safe="") for name, value in fields.items()}))
        assert page.evaluate("window.hacked") is None, (form, text)
        assert all("Failed to load resource" in line for line in reader.wrong), (form, text, reader.wrong)
        reader.wrong.clear()
    reader.goto(f"/console/explain?user={quote(HOSTILE_USER, safe='')}&k=20")
    page.click(".item button[data-opens] >> nth=0")
    page.wait_for_selector(".full .inner")
    page.fill("#wanted", TEXTS[1])
    reader.sound()
    reader.goto("/console/cypher")
    page.fill("#query", f"MATCH (i:Item)-[r:HAS_BRAND]->(b) RETURN i, r, b, i.title AS title, {json.dumps(TEXTS[0])} AS said LIMIT 30")
    page.press("#query", "Control+Enter")
    page.wait_for_selector("#result canvas")
    reader.sound()


PAGES = ["overview", "explain?user=u&k=4", "graph?node=Item:1", "cypher", "cypher/library", "facts", "rules/edit", "builds"]


@pytest.mark.parametrize(("width", "scheme", "locale"), [(390, "light", "en-GB"), (390, "dark", "zh-CN"), (1280, "dark", "en-GB")])
def test_pages_fit_small_windows_dark_rooms_and_chinese(browser: Any, url: str, key: str, width: int, scheme: str, locale: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, locale=locale)
    try:
        reader = Reader(context.new_page(), url).sign_in(key)
        for page in PAGES:
            reader.goto(f"/console/{page}")
            reader.page.wait_for_timeout(100)
            reader.fits()
            reader.sound()
        assert reader.page.get_attribute("html", "lang") == locale.split("-")[0]
    finally:
        context.close()


def test_the_keyboard_is_enough(reader: Reader) -> None:
    page = reader.page
    reader.goto("/console/overview")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.getAttribute('href') || document.activeElement.textContent.trim()"))
    assert {"/console/explain", "/console/graph", "/console/cypher", "Sign out"} <= reached
    reader.goto("/console/explain?user=u&k=3")
    page.focus(".item button[data-opens] >> nth=0")
    page.keyboard.press("Enter")
    page.wait_for_selector(".full .inner")
    reader.sound()
