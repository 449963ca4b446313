"""Nothing that comes from outside steers the terminal of a person who looks at it."""

import json

import pytest
from rich.table import Table

from leapfrog import cli
from leapfrog.cli.output import show

EVIL = "a\x1b[2J\x1b]0;title\x07b\rc\x9b1md\u202ee\udcff"
STEERING = frozenset("\x1b\x07\r\x9b\u202e\udcff")


def test_text_and_tables_are_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("Source", title=EVIL)
    table.add_row(f"{EVIL}\nsecond line")
    show({}, False, [table, f"{EVIL} ß नमस्ते"])
    said = capsys.readouterr().out
    assert not STEERING & set(said)
    assert "second line" in said
    assert "ß नमस्ते" in said


def test_json_says_the_same_without_steering(capsys: pytest.CaptureFixture[str]) -> None:
    show({"reason": EVIL}, True, ())
    said = capsys.readouterr().out
    assert not STEERING & set(said)
    assert json.loads(said) == {"reason": EVIL}


def test_an_error_is_shown_as_text(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["leapfrog", "read", f"/nowhere/{EVIL[:-1]}.png", "--out", "/nowhere"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "is not a file" in said
    assert not STEERING & set(said)
