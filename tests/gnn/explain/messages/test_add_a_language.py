"""docs/how-to/add-a-language.md, followed: one file is a language."""

from __future__ import annotations

from pathlib import Path

import pytest

from gnn.explain.messages.languages import FOLDER, Languages
from gnn.explain.messages.message import Listing, Quoted, decimals, say
from kg.errors import ConfigError

ENGLISH = (FOLDER / "en.toml").read_text(encoding="utf-8")
ALL = 'all = { one = "{count} shopper", other = "{count} shoppers" }'


def dropped(folder: Path, name: str, text: str, default: str = "en") -> Languages:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return Languages.of(default, folder)


def test_a_dropped_file_is_a_language(tmp_path: Path) -> None:
    polish = ENGLISH.replace(ALL, 'all = { one = "{count} klient", few = "{count} klienci", many = "{count} klientów", other = "{count} klienta" }')
    languages = dropped(tmp_path / "messages", "pl.toml", polish.replace("‘{text}’", "„{text}”").replace("yyyy-MM-dd", "d.MM.y"), default="pl")
    words = languages["pl"]
    assert languages.names == ("en", "pl", "zh")
    assert [words.text(say("shoppers.all", count=n)) for n in (1, 3, 5, 22, 12_345)] == [
        "1 klient",
        "3 klienci",
        "5 klientów",
        "22 klienci",
        "12\u00a0345 klientów",
    ]
    assert words.text(Listing((Quoted("a"), Quoted("b")))) == "„a” and „b”"
    assert words.text(decimals(1.5, 1)) == "1,5"
    assert languages.negotiated("pl-PL,en;q=0.5") == "pl"
    assert languages.negotiated("") == languages.negotiated("xx") == "pl"


def test_a_shop_amends_our_catalogues(tmp_path: Path) -> None:
    own = '[attribute_name]\nhas_fabric_type = "面料"\n[through.both]\ndid_wish = "{shoppers}同时收藏了本商品和{history}"\n'
    languages = dropped(tmp_path / "messages", "zh.toml", own)
    assert languages["zh"].text(say("attribute_name.has_fabric_type", words="fabric type")) == "面料"
    assert languages["zh"].text(say("through.both.did_wish", shoppers="3 位顾客", history="X", name="wish", count=3)) == "3 位顾客同时收藏了本商品和X"
    assert languages["zh"].text(say("shoppers.all", count=3)) == "3 位顾客"
    assert Languages.of()["zh"].text(say("attribute_name.has_fabric_type", words="fabric type")) == "的“fabric type”"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("fr.toml", "", "without"),
        ("fr.toml", ENGLISH.replace("{history}", "{geschichte}", 1), "other placeholders"),
        ("fr.toml", ENGLISH.replace("{count} shoppers", "shoppers", 1), "other placeholders"),
        ("fr.toml", ENGLISH.replace("{count} shoppers", "{count:,} shoppers", 1), "not a plain name"),
        ("fr.toml", ENGLISH.replace("{title}, which you bought", "{title.__class__}, which you bought", 1), "not a plain name"),
        ("fr.toml", ENGLISH.replace("{title}, which you bought", "{title, which you bought", 1), "history.one.purchased"),
        ("fr.toml", ENGLISH.replace(', other = "{count} shoppers" }', " }", 1), "no form `other`"),
        ("fr.toml", ENGLISH.replace("‘{text}’", "‘’"), "formats.quote"),
        ("fr.toml", ENGLISH.replace("[title]", "[title]\nnew_one = 'x'"), "no message 'title.new_one'"),
        ("fr.toml", ENGLISH.replace("[title]", "[title]\nprices = 3"), "neither a text nor a table"),
        ("fr.toml", "[", "not valid TOML"),
        ("notalanguage.toml", ENGLISH, "is no language"),
    ],
)
def test_a_faulty_file_is_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=name) as caught:
        dropped(tmp_path, name, text)
    assert said in str(caught.value)
