"""The console's words: every text that a page asks for is there, in every language, and nothing that a page shows is markup."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.console import rendering
from api.console.rendering import environment, languages, percent, render, text

FOLDER = Path(rendering.__file__).parent
TEMPLATES = sorted((FOLDER / "templates").glob("*.html"))
CALL = re.compile(r"""\bt\('([a-z_.]+)'\s*(~)?|_note\(visit, "([a-z_.]+)\"""")


def test_pages_are_in_english_and_chinese() -> None:
    # read_catalogue refuses a catalogue with other keys or placeholders than the English one.
    assert set(languages().names) >= {"en", "zh"}


@pytest.mark.parametrize("path", [*TEMPLATES, *sorted((FOLDER / "pages").glob("*.py"))], ids=lambda path: path.name)
def test_every_text_of_a_page_is_in_the_catalogue(path: Path) -> None:
    keys = languages()["en"].templates
    for match in CALL.finditer(path.read_text(encoding="utf-8")):
        key = match[1] or match[3]
        assert any(name.startswith(key) for name in keys) if match[2] else key in keys, f"{path.name}: {key}"


def test_every_text_of_the_catalogue_is_used() -> None:
    used = "".join(path.read_text(encoding="utf-8") for path in (*TEMPLATES, *(FOLDER / "pages").glob("*.py")))
    direct = {match[1] or match[3] for match in CALL.finditer(used)}
    prefixes = tuple(match[1] for match in CALL.finditer(used) if match[2])
    assert sorted(key for key in languages()["en"].templates if key not in direct and not key.startswith(prefixes)) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_no_script_no_style_and_no_unescaped_value(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|hx-vals='js|\|\s*safe|autoescape|tojson", source)
    for script in re.findall(r"<script[^>]*>", source):
        assert "src=" in script
        assert "integrity=" in script
    for form in re.findall(r"<form[^>]*method=\"post\"[^>]*>.*?</form>", source, re.DOTALL):
        assert 'name="csrf"' in form, form[:120]
    environment().get_template(path.name)


def test_values_are_escaped_in_texts_and_attributes() -> None:
    words = languages()["en"]
    page = render("error_part.html", words, status=404, title="<b>", detail="\"'><script>", hint="{{ 7 * 7 }}", request_id="")
    assert "<b>" not in page
    assert "<script>" not in page
    assert "{{ 7 * 7 }}" in page
    assert "&lt;script&gt;" in text_of_bar("<script>")


def text_of_bar(title: str) -> str:
    template = environment().from_string("{% import 'macros.html' as m %}{{ m.bar([('graph', 0.5)], title) }}")
    return template.render(title=title)


def test_shares_are_never_rounded_to_nothing() -> None:
    assert [percent(share) for share in (0.5, 0.0, 0.0001, -0.0001, -0.25)] == ["50.0%", "0.0%", "<0.1%", ">−0.1%", "−25.0%"]


def test_counts_take_the_plural_of_the_language() -> None:
    assert text(languages()["en"], "explain.n_items", count=1) == "1 item"
    assert text(languages()["en"], "explain.n_items", count=1200) == "1,200 items"
    assert text(languages()["zh"], "explain.n_items", count=1) == "1 个商品"
