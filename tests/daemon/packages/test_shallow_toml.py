"""TOML of a stranger is parsed in a moment or refused."""

import time
import tomllib
from pathlib import Path

import pytest

from leapfrog.packages.package import LARGEST_MANIFEST_BYTES, SHIPPED_PACKAGES
from leapfrog.packages.shallow_toml import DEEPEST, parse_shallow_toml

SIZE = LARGEST_MANIFEST_BYTES
SECONDS = 1.0  # of the processor; each of these takes 0.15 s at most on a PC
ENDLESS = {
    "arrays in arrays": b"a = " + b"[" * (SIZE - 4),
    "tables in tables": b"a = " + b"{b=" * (SIZE // 3 - 2),
    "arrays over many lines": b"a = " + b"[\n" * (SIZE // 2 - 2),
    "a dotted key": b"a." * (SIZE // 2 - 3) + b"a = 1",
    "a dotted key in quotes": b'"a" . ' * (SIZE // 6 - 2) + b"a = 1",
    "a dotted header": b"[" + b"a." * (SIZE // 2 - 3) + b"a]",
    "after a string that ends in four quotes": b'a = ["""b"""", ' + b"[" * 5000,
    "a string that does not end": b'a = """' + b'\\"""' * (SIZE // 4 - 2),
    "strings that may end, and a backslash": b'\\"""\n' * (SIZE // 5 - 1) + b"\\",
    "escapes, and a backslash": b'a = """' + b"\\n" * (SIZE // 2 - 5) + b"\\",
    "a string in one quote, and a backslash": b'a = "' + b"\\n" * (SIZE // 2 - 4) + b"\\",
    "strings, and one that does not end": b'a = [""", """]\n' * (SIZE // 15 - 1) + b'"""\\',
    "two quotes of three": b'a = """' + b'"" ' * (SIZE // 3 - 4) + b"\\",
    "literal strings that do not end": b"a = '''" + b"'' \n" * (SIZE // 4 - 4),
    "a key and blanks": b"a" + b" " * (SIZE - 4) + b".",
    "keys and blanks": b"a . " * (SIZE // 4 - 2),
    "quotes": b"a = " + b"'" * (SIZE - 4),
    "a number": b"a = " + b"9" * 5000,
    "bytes that are no text": b"\xff" * SIZE,
}


@pytest.mark.parametrize("content", ENDLESS.values(), ids=ENDLESS)
def test_what_has_no_end_is_refused_at_once(content: bytes) -> None:
    begun = time.process_time()
    with pytest.raises(ValueError, match=r"."):
        parse_shallow_toml(content)
    assert time.process_time() - begun < SECONDS


@pytest.mark.parametrize("package", [path.name for path in SHIPPED_PACKAGES.iterdir()])
def test_the_packages_that_ship_read_as_ever(package: str) -> None:
    content = Path(SHIPPED_PACKAGES / package / "model.toml").read_bytes()
    assert parse_shallow_toml(content) == tomllib.loads(content.decode())


def test_brackets_and_dots_in_text_count_for_nothing() -> None:
    text = f'a = "{"[." * 50}"\nb = """\n{"{." * 50}"\n"""\nc = \'{"[x." * 50}\'  # {"[y." * 50}\n'
    assert len(parse_shallow_toml(text.encode())) == 3


def test_as_deep_as_is_allowed() -> None:
    text = f"a = {'[' * DEEPEST}{']' * DEEPEST}\n{'.'.join('b' * DEEPEST)} = 1\n"
    assert set(parse_shallow_toml(text.encode())) == {"a", "b"}
