"""The report on paper: the sheet. What it looks like is the template's business: `templates/report.typ`.

The first page is the exam: whose it is, what was found, what was not looked for, and the picture with the finding. All
further pictures are small, several a page; one or two of them as large as the page allows.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import typst

from leapfrog.language.page_words import UNREVIEWED
from leapfrog.language.sentence import Sentence, joined
from leapfrog.language.speaker import Speaker, in_words
from leapfrog.reader.report.characters import FONTS, undrawable
from leapfrog.reader.report.sheet_pictures import Detail, Place, draw_code, picture_svg
from leapfrog.settings import PageSize
from leapfrog.wording.answer_words import on_paper
from leapfrog.wording.report_words import ImageWords, PictureWords, ReportWords
from leapfrog.wording.text import UNSHOWABLE, each_once

TEMPLATE = Path(__file__).with_name("templates") / "report.typ"
FONT_LIST = TEMPLATE.with_name("fonts.typ")
NOT_ON_PAPER = ("worklist_row", "answers")  # fields of a report; of answers it has the most important
MOST_IMAGES = 300  # of which typst holds what it laid out until the document is complete; nobody prints more
LINE_BYTES = 100_000  # of what is sent to the district: 13 s at 64 kbit/s
MOST_ON_STRIP = 30  # which is about 3 m long; a page of PDF has at most 5 m (ISO 32000-1, annex C)
FEW_FURTHER = 2  # images besides the first page's, which are shown larger
DOCUMENTS_REMEMBERED = 11  # by typst, which keeps what it laid out until so many more have been made
IMPORTANCE = ("look", "measured", "nothing_flagged", "not_assessed")  # kinds of headline

# Ours alone, so that a report looks the same on every machine.
_fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])
_NOTHING: Any = {"main.typ": b""}


@dataclass(frozen=True)
class _Extent:
    """How much of a report is set: at most so many images, and of so many of them the pictures, in this `detail`."""

    detail: Detail
    images: int = MOST_IMAGES
    pictures: int = MOST_IMAGES


# What crosses a thin line: the first of these that takes no more than `LINE_BYTES`, else the last. Pictures go first,
# since the district gets those with findings, and the images, by themselves too.
LINE_EXTENTS = (
    _Extent("line"),
    _Extent("least"),
    _Extent("least", pictures=6),
    _Extent("least", pictures=2),
    _Extent("least", images=20, pictures=1),
    _Extent("least", images=12, pictures=1),
    _Extent("least", images=6, pictures=1),
    _Extent("grain", images=6, pictures=1),
    _Extent("grain", images=1, pictures=1),
)
MOST_PICTURES_ON_LINE = 12  # with more, those with all pictures need not be tried


@dataclass(frozen=True)
class _Sheet:
    """The images of a sheet: the first page's, and the others in their order; `pictures` has those that are shown, each
    with the place where it stands. `said` is what is said of each image and not of one before it. `has_all_pictures`:
    none was left out of an image that is shown.
    """

    main: ImageWords | None
    others: tuple[ImageWords, ...]
    pictures: tuple[tuple[PictureWords, Place], ...]
    said: tuple[tuple[Sentence, ...], ...]
    has_all_pictures: bool = True

    @property
    def shown(self) -> int:
        """How many images it has."""
        return len(self.others) + (self.main is not None)


def render_pdf(
    report: ReportWords, speaker: Speaker, picture_dir: Path, page_size: PageSize, *, detail: Detail = "paper"
) -> bytes:
    """The PDF of `report`, as `speaker` says it; its pictures lie in `picture_dir`. The same content gives the same
    bytes.

    On "80mm" it is one strip, as long as it needs to be. With the `detail` "line" it takes at most `LINE_BYTES` if it
    can: its pictures have fewer pixels, and if that is not enough, it has fewer pictures, then fewer images. A study of
    more than `MOST_IMAGES`, or on a strip `MOST_ON_STRIP`, has the most important ones. What it leaves out, it says.
    Values reach typst as data, never as source text. Raises OSError when a picture cannot be read.
    """
    if detail != "line":
        return _rendered(report, speaker, picture_dir, page_size, _Extent(detail))
    pdf = b""
    for extent in _line_extents(len(report.images)):
        pdf = _rendered(report, speaker, picture_dir, page_size, extent)
        if len(pdf) <= LINE_BYTES:
            break
    return pdf


def _line_extents(images: int) -> Iterator[_Extent]:
    """Those of LINE_EXTENTS that can make a difference to a report of so many images."""
    clipped = (replace(one, images=min(one.images, images), pictures=min(one.pictures, images)) for one in LINE_EXTENTS)
    return (one for one in dict.fromkeys(clipped) if one.pictures <= MOST_PICTURES_ON_LINE)


def _rendered(report: ReportWords, speaker: Speaker, picture_dir: Path, page_size: PageSize, extent: _Extent) -> bytes:
    most = min(extent.images, MOST_ON_STRIP) if page_size == "80mm" else extent.images
    sheet = _laid_out(report.images, most, extent.pictures)
    # Any, since typst's own types know one file only
    files: Any = {"main.typ": TEMPLATE.read_bytes(), "fonts.typ": FONT_LIST.read_bytes()}
    for picture, place in sheet.pictures:
        files[f"{picture.file}.svg"] = picture_svg(picture_dir / picture.file, place, extent.detail)
    code = draw_code(report.code) if report.code else None
    if code is not None:
        files["code.svg"] = code.svg
    values = _values(report, speaker, sheet, code.width_mm if code else 0.0)
    pdf = typst.compile(
        files,
        root=picture_dir,
        font_paths=_fonts,
        sys_inputs={"report": undrawable().sub(UNSHOWABLE, values), "paper": page_size},
    )
    _forget()
    return bytes(pdf)


def _laid_out(images: Sequence[ImageWords], most: int, most_pictures: int) -> _Sheet:
    """Which image the first page shows, whichever of all that is, and what is said of `most` images that was not said
    before: of the most important, `most_pictures` with their pictures, in the order of the exam.
    """
    if not images:
        return _Sheet(None, (), (), ())
    main, *ranked = sorted(images, key=_importance)
    shown = {image.number for image in ranked[: most - 1]}
    pictured = {image.number for image in ranked[: most_pictures - 1]}
    others = tuple(image for image in images if image.number in shown)
    bare = tuple(image if image.number in pictured else _without_pictures(image) for image in others)
    has_all_pictures, others = bare == others, bare
    pictures: dict[str, tuple[PictureWords, Place]] = {}
    for picture, place in _pictures(main, others):
        pictures.setdefault(picture.file, (picture, place))
    said: list[tuple[Sentence, ...]] = []
    before = set(_small_print(main))
    for image in others:
        said.append(tuple(sentence for sentence in _small_print(image) if sentence not in before))
        before.update(said[-1])
    return _Sheet(main, others, tuple(pictures.values()), tuple(said), has_all_pictures)


def _without_pictures(image: ImageWords) -> ImageWords:
    return replace(image, plain=None, overlay=None, heatmaps=())


def _importance(image: ImageWords) -> tuple[bool, int]:
    """By which the most important image comes first; of equal ones the first."""
    return not image.headline.urgent, IMPORTANCE.index(image.headline.kind)


def _pictures(main: ImageWords, others: Sequence[ImageWords]) -> Iterator[tuple[PictureWords, Place]]:
    if main.overlay is not None:
        yield main.overlay, "finding"
    if main.plain is not None:
        yield main.plain, "finding" if main.overlay is None else "beside"
    for picture in (*main.heatmaps, *(image.overlay or image.plain for image in others)):
        if picture is not None:
            yield picture, "beside" if len(others) <= FEW_FURTHER and picture not in main.heatmaps else "small"


def _small_print(image: ImageWords) -> tuple[Sentence, ...]:
    """What is said of an image below everything else: much of it is the same of all images that one model read."""
    said = (image.made_for, *image.notes, image.image_check)
    return tuple(sentence for sentence in said if sentence)


def _values(report: ReportWords, speaker: Speaker, sheet: _Sheet, code_mm: float) -> str:
    """All that the template sets, as JSON. `english` has what must stand in English too, by what is said."""
    left_out = []
    if sheet.shown < len(report.images):
        left_out.append(report.labels.pdf_ends.format(shown=sheet.shown, total=len(report.images)))
    if not sheet.has_all_pictures:
        left_out.append(report.labels.pdf_without_pictures)
    values: dict[str, Any] = {
        **{field.name: getattr(report, field.name) for field in fields(report) if field.name not in NOT_ON_PAPER},
        "images": len(report.images),
        "main": sheet.main,
        "others": [{**asdict(one), "said": said} for one, said in zip(sheet.others, sheet.said, strict=True)],
        "not_covered": each_once(one.not_covered for one in sheet.others),
        "left_out": joined(left_out),
        "code_mm": code_mm,
        "answered": on_paper(report.answers),
        "unreviewed": UNREVIEWED if speaker.catalogue.needs_english else "",
    }
    said = in_words(values, speaker.say)
    english = {text: line for text, one in speaker.said.items() if (line := speaker.english(one))}
    language = {"language": speaker.language.code, "direction": speaker.language.direction}
    return json.dumps({**said, **language, "english": english}, ensure_ascii=False, default=asdict)


def _forget() -> None:
    """Have typst let go of what it laid out, which a reader shall have for images again: 50 MiB of the last reports of
    films, and 2 a page. That takes 3 ms, which the next report saves, since there is less to look through (measured).
    """
    compiler = typst.Compiler(font_paths=_fonts)
    for _ in range(DOCUMENTS_REMEMBERED):
        compiler.compile(_NOTHING)
