"""A PDF becomes pictures of its pages, so many of them, and one that cannot be drawn none."""

from io import BytesIO

import pytest
from PIL import Image

from leapfrog.answers.document import MOST_PAGES
from leapfrog.reader.answers.pdf_pages import draw_pages
from support.radiologist import pdf_pages


def test_each_page_is_a_picture_with_what_is_written_on_it() -> None:
    pages, left_out = draw_pages(pdf_pages("Consolidation.", "No effusion."))
    assert not left_out
    for page in pages:
        with Image.open(BytesIO(page)) as picture:
            assert picture.width > 1000
            assert min(picture.convert("L").tobytes()) < 60
    assert len(pages) == 2


def test_a_long_one_shows_its_first_pages_and_says_so() -> None:
    pages, left_out = draw_pages(pdf_pages(*"abcdefghij"))
    assert (len(pages), left_out) == (MOST_PAGES, True)


@pytest.mark.parametrize("pdf", [b"", b"%PDF-1.7 and nothing else", pdf_pages("a")[:300]])
def test_one_that_cannot_be_drawn_has_no_pages(pdf: bytes) -> None:
    assert draw_pages(pdf) == ([], True)
