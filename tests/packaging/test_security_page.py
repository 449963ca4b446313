"""`config/security.md` promises only what a test shows."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "config" / "security.md"
ROW = re.compile(r"^\| (?!from |---)(?P<what>[^|]+)\|(?P<control>[^|]+)\|(?P<tests>[^|]+)\|$", re.MULTILINE)


def test_every_control_names_tests_that_are_there() -> None:
    rows = list(ROW.finditer(PAGE.read_text()))
    assert len(rows) > 10
    for row in rows:
        named = re.findall(r"`(tests/[^`]+\.py)`", row["tests"])
        assert named, row["what"]
        for path in named:
            assert (ROOT / path).is_file(), path


def test_the_readme_leads_to_it() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "### Security" in readme
    assert "config/security.md" in readme
