"""A picture with text below it, in every language."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from leapfrog.language.languages import LANGUAGES
from leapfrog.reader.report.caption import Line, captioned_jpeg
from leapfrog.reader.report.overlay import save_plain
from support.readings import gray_picture


def _gray(path: Path) -> NDArray[np.int16]:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"), dtype=np.int16)


def test_a_caption_is_wrapped_under_the_picture_and_hides_none_of_it(tmp_path: Path) -> None:
    save_plain(np.full((400, 600), 90, np.uint8), tmp_path / "plain.jpg")
    jpeg = captioned_jpeg(tmp_path / "plain.jpg", [Line("word " * 60)])
    assert jpeg.width == 600
    assert jpeg.height > 400 + 60
    (tmp_path / "captioned.jpg").write_bytes(jpeg.content)
    assert np.abs(_gray(tmp_path / "captioned.jpg")[:390] - 90).max() <= 4
    below = _gray(tmp_path / "captioned.jpg")[400:]
    assert below[:, -4:].max() < 40
    assert below.max() > 200


def test_it_is_no_larger_than_a_thin_line_takes(tmp_path: Path) -> None:
    save_plain(np.full((3000, 2000), 90, np.uint8), tmp_path / "plain.jpg")
    assert captioned_jpeg(tmp_path / "plain.jpg", [Line("Said.")]).height < 1024 + 60


@pytest.mark.parametrize(
    ("code", "word"), [("hi", "\u0928\u0938"), ("ar", "\u0639\u0635\u0628"), ("fr", "\u00c9t\u00e9")]
)
def test_words_of_every_script_are_drawn_and_begin_where_the_script_begins(
    code: str, word: str, tmp_path: Path
) -> None:
    (language,) = (one for one in LANGUAGES.values() if one.code == code)
    save_plain(gray_picture(400, 600), tmp_path / "plain.jpg")
    drawn = {}
    for name, text in (("word", word), ("none", "\U00013000")):
        (tmp_path / f"{name}.jpg").write_bytes(captioned_jpeg(tmp_path / "plain.jpg", [Line(text, language)]).content)
        drawn[name] = _gray(tmp_path / f"{name}.jpg")[402:]
    assert not np.array_equal(drawn["word"], drawn["none"]), "not the sign for what cannot be drawn"
    columns = np.nonzero((drawn["word"] > 128).any(axis=0))[0]
    assert columns.size
    assert bool(columns.mean() > 300) is language.right_to_left
