"""TOML that is written reads back the same."""

import tomllib

import pytest

from leapfrog_training.packaging.toml_text import Value, toml_text

DOCUMENT: dict[str, Value] = {
    "name": 'a "quoted" name\nin two lines, é',
    "flag": True,
    "number": 0.25,
    "list": ["x", "y"],
    "numbers": [0.5, 1.0],
    "empty": [],
    "table": {"inner": {"a.b": 1}, "model.tflite": "00"},
    "finding": [{"name": "one", "code": {"value": "1"}}, {"name": "two", "code": {"value": "2"}}],
}


def test_a_document_reads_back_the_same() -> None:
    assert tomllib.loads(toml_text(DOCUMENT)) == DOCUMENT


def test_a_value_without_a_form_is_refused() -> None:
    with pytest.raises(TypeError, match="no form for None"):
        toml_text({"key": None})  # type: ignore[dict-item]
