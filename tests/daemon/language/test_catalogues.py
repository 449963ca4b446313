"""The catalogues have every sentence of the sources, and nothing that would mislead."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("babel", reason="Babel (the extra `dev`) is not installed: it makes the catalogues")

LANGUAGES = Path(__file__).parents[3] / "daemon" / "languages"


@pytest.fixture
def tools() -> Iterator[ModuleType]:
    """`daemon/languages/catalogues.py`, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("catalogues", LANGUAGES / "catalogues.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module


def test_they_have_the_sentences_of_today_and_every_placeholder_is_right() -> None:
    """A sentence that the template lacks, a translation that was not compiled, or one with a wrong placeholder."""
    checked = subprocess.run(
        [sys.executable, str(LANGUAGES / "update"), "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, f"run daemon/languages/update\n{checked.stdout}{checked.stderr}"


@pytest.mark.parametrize(
    ("english", "said", "is_wrong"),
    [
        ("{count} of {total} films", "{total} films, dont {count}", False),
        ("{count} of {total} films", "{count} films", True),
        ("{count} of {total} films", "{count} of {totl} films", True),
        ("Read as {part}", "Lu comme {part} {other}", True),
        (("{count} film", "{count} films"), ("un film", "{count} films"), False),
        (("{count} film", "{count} films"), ("{count} film", "{conut} films"), True),
    ],
)
def test_a_wrong_placeholder_is_told(
    tools: ModuleType, english: str | tuple[str, ...], said: str | tuple[str, ...], is_wrong: bool
) -> None:
    catalog = tools.new_catalog("fr")
    catalog.add(english, said)
    assert bool(list(tools.wrong(catalog))) is is_wrong
    assert len([message for message in tools.sound(catalog) if message.id]) == (not is_wrong)


def test_a_sentence_marked_as_doubtful_is_not_said(tools: ModuleType) -> None:
    catalog = tools.new_catalog("fr")
    catalog.add("Nothing flagged", "Rien", flags={"fuzzy"})
    assert not [message for message in tools.sound(catalog) if message.id]
