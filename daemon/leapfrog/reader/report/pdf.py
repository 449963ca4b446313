"""The report on paper. What it looks like is the template's business: `templates/report.typ`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from html import escape
from pathlib import Path
from typing import Any, Literal

import typst
from PIL import Image

from leapfrog.language.page_words import UNREVIEWED
from leapfrog.language.speaker import Speaker, in_words
from leapfrog.reader.report.characters import FONTS, undrawable
from leapfrog.wording.report_words import ImageWords, ReportWords
from leapfrog.wording.text import UNSHOWABLE

PageSize = Literal["A4", "Letter"]

TEMPLATE = Path(__file__).with_name("templates") / "report.typ"
PAPERS: dict[PageSize, str] = {"A4": "a4", "Letter": "us-letter"}  # as typst names them
MOST_IMAGES = 300  # a page each, of which typst holds 2 MB until the document is complete; nobody prints more
FEW_IMAGES = 4  # what typst keeps of so small a report is less than having it let go costs: 9 ms of 22
DOCUMENTS_REMEMBERED = 11  # by typst, which keeps what it laid out until so many more have been made

# Ours alone, so that a report looks the same on every machine.
_fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])


def render_pdf(report: ReportWords, speaker: Speaker, picture_dir: Path, page_size: PageSize) -> bytes:
    """The PDF of `report`, as `speaker` says it; its pictures lie in `picture_dir`. The same content gives the
    same bytes.

    A study of more than `MOST_IMAGES` has its first ones, and says so on each page. Values reach typst as data, never
    as source text. Raises OSError when a picture cannot be read.
    """
    images = report.images[:MOST_IMAGES]
    # Any, since typst's own types know one file only
    files: Any = {"main.typ": TEMPLATE.read_bytes(), **_pictures(images, picture_dir)}
    try:
        pdf = typst.compile(
            files,
            root=picture_dir,
            font_paths=_fonts,
            sys_inputs={
                "report": undrawable().sub(UNSHOWABLE, _values(report, speaker, images)),
                "paper": PAPERS[page_size],
            },
        )
    except typst.TypstError as problem:
        if all((picture_dir / name.removesuffix(".svg")).exists() for name in files if name.endswith(".svg")):
            raise
        # A picture vanished meanwhile: the next version of the report goes without it.
        raise OSError("The PDF could not be made: one of its pictures cannot be read.") from problem
    if len(images) > FEW_IMAGES:
        _forget()
    return bytes(pdf)


def _values(report: ReportWords, speaker: Speaker, images: Sequence[ImageWords]) -> str:
    """All that the template sets, as JSON. `english` has what must stand in English too, by what is said."""
    left_out = report.labels.pdf_ends.format(shown=len(images), total=len(report.images))
    values: dict[str, Any] = {
        **{field.name: getattr(report, field.name) for field in fields(report) if field.name != "worklist_row"},
        "images": images,
        "left_out": left_out if len(images) < len(report.images) else "",
        "unreviewed": UNREVIEWED if speaker.catalogue.needs_english else "",
    }
    said = in_words(values, speaker.say)
    english = {text: line for text, one in speaker.said.items() if (line := speaker.english(one))}
    language = {"language": speaker.language.code, "direction": speaker.language.direction}
    return json.dumps({**said, **language, "english": english}, ensure_ascii=False, default=asdict)


def _pictures(images: Sequence[ImageWords], picture_dir: Path) -> dict[str, bytes]:
    """Each picture as an SVG that shows its JPEG, which then goes into the PDF as it is.

    Of a JPEG by itself, typst keeps the pixels until the document is complete: 2.5 MB a picture, and a study of 300
    images would need more than a reader may have.
    """
    pictures = [
        picture for image in images for picture in (image.plain, image.overlay, *image.heatmaps) if picture is not None
    ]
    return {f"{picture.file}.svg": _svg(picture.file, picture_dir) for picture in pictures}


def _svg(name: str, picture_dir: Path) -> bytes:
    with Image.open(picture_dir / name) as image:
        size = f'width="{image.width}" height="{image.height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><image href="{escape(name)}" {size}/></svg>'.encode()


def _forget() -> None:
    """Have typst let go of what it laid out: 2 MB a page, which a reader shall have for images again."""
    nothing: Any = {"main.typ": b""}
    for _ in range(DOCUMENTS_REMEMBERED):
        typst.compile(nothing, font_paths=_fonts)
