"""The report on paper: a page per image that can stand alone, and that a black-and-white printer does justice to.

Results are told by shape and words, never by colour. Runs in a reader.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

from fpdf import FPDF
from fpdf.enums import MethodReturnValue
from PIL import Image

from leapfrog.report.content import PHANTOM_BANNER, Field, FindingRow, ImageContent, PictureContent, ReportContent
from leapfrog.report.fonts import FontChooser
from leapfrog.report.headline import Headline, HeadlineKind

MARGIN = 12.0  # mm, as all lengths here
GAP = 3.0
FOOTER_HEIGHT = 17.0
LOWEST_PICTURE = 55.0
ROW_HEIGHT = 4.9
LINE_FACTOR = 0.43  # mm of line height per point of type
TABLE_COLUMNS = (("Finding", 0.38), ("Result", 0.34), ("Score", 0.09), ("Threshold", 0.11))  # shares of the width
BLACK, GREY, PALE = 0, 85, 232

PageSize = Literal["A4", "Letter"]


def render_pdf(report: ReportContent, report_dir: Path, page_size: PageSize) -> bytes:
    """The PDF of `report`, whose pictures lie in `report_dir`."""
    pdf = _ReportPdf(report, report_dir, page_size)
    for image in report.images:
        pdf.add_image(image)
    if not report.images:
        pdf.add_empty()
    return bytes(pdf.output())


class _ReportPdf(FPDF):
    """Draws one report. `self.y` is always where the next block begins."""

    def __init__(self, report: ReportContent, report_dir: Path, page_size: PageSize) -> None:
        super().__init__(format=page_size)
        self._report = report
        self._report_dir = report_dir
        self._fonts = FontChooser(self)
        self.set_margins(MARGIN, MARGIN)
        self.set_auto_page_break(True, FOOTER_HEIGHT)
        self.set_title("Leapfrog report")
        self.set_creator(report.version_line)
        self.set_lang("en")
        self.c_margin = 0

    # ------------------------------------------------------------ pages

    def add_image(self, image: ImageContent) -> None:
        """A page for one image."""
        self._begin_page(image.title)
        own = image.number > 1 or len(self._report.images) == 1
        self._headline(image.headline if own else self._report.headline)
        self._identity()
        if not own and image.not_assessed:
            self._not_assessed(image.not_assessed)
        elif not own:
            self._line(f"This image: {image.headline.text}", 10.5, bold=True)
            self.y += 1.5
        self._pictures(image)
        self._findings(image)
        for note in image.notes:
            self._line(note, 8.5, grey=GREY)

    def add_empty(self) -> None:
        """The page of a study of which no image could be read."""
        self._begin_page("")
        self._headline(self._report.headline)
        self._identity()

    def footer(self) -> None:
        """What stands on every page; called by fpdf2."""
        self.y = self.h - FOOTER_HEIGHT + 2
        self.set_draw_color(BLACK)
        self.line(MARGIN, self.y, self.w - MARGIN, self.y)
        self.y += 1.2
        self._line(self._report.disclaimer, 9.5, bold=True)
        top = self.y
        self._line(self._report.version_line, 8, grey=GREY, width=self.epw - 25)
        self.set_y(top)
        self._write(f"Page {self.page_no()} of {{nb}}", 8, 25, align="R", left=self.w - MARGIN - 25, grey=GREY)

    def _begin_page(self, title: str) -> None:
        self.add_page()
        top = self.y
        self._write(f"{self._report.station} report", 10, self.epw * 0.4, grey=GREY)
        self.set_y(top)
        self._write(title, 10, self.epw * 0.6, align="R", left=MARGIN + self.epw * 0.4, bold=True)
        self.y += 1.5
        if self._report.phantom:
            self._banner([PHANTOM_BANNER])
        if self._report.conflicts:
            self._banner(["! Check whose exam this is.", *self._report.conflicts], red=True)

    # ------------------------------------------------------------ blocks

    def _banner(self, sentences: Sequence[str], *, red: bool = False) -> None:
        colour = (176, 0, 18) if red else (0, 0, 0)
        top = self.y
        self.y += 1.8
        for sentence in sentences:
            self.set_text_color(*colour)
            self._write(sentence, 10.5, self.epw - 8, bold=True, left=MARGIN + 4, keep_colour=True)
        self.y += 1.8
        self.set_draw_color(*colour)
        self.set_line_width(0.9)
        self.rect(MARGIN, top, self.epw, self.y - top)
        self._reset_pen()
        self.y += 2

    def _headline(self, headline: Headline) -> None:
        top = self.y
        left, width = MARGIN + 17, self.epw - 20
        self.y += 2
        self._write(headline.text, 15, width, bold=True, left=left)
        if headline.detail:
            self._write(headline.detail, 10, width, left=left)
        self.y += 2
        height = self.y - top
        self.set_line_width(0.7)
        if headline.kind == "not_assessed":
            self.set_dash_pattern(dash=2, gap=1.2)
        self.rect(MARGIN, top, self.epw, height)
        self._reset_pen()
        self._mark(headline.kind, MARGIN + 8.5, top + height / 2, 8.5)
        self.y = top + height + 2

    def _mark(self, kind: HeadlineKind, x: float, y: float, size: float) -> None:
        """The shape of `kind`, centred on (x, y): a filled triangle, a disc, a ring, a question mark."""
        half = size / 2
        self.set_fill_color(BLACK)
        self.set_line_width(max(0.25, size / 14))
        if kind == "look":
            self.polygon([(x, y - half), (x + half, y + half * 0.8), (x - half, y + half * 0.8)], style="F")
        elif kind == "measured":
            self.circle(x, y, half * 0.8, style="F")
        elif kind == "nothing_flagged":
            self.circle(x, y, half * 0.75, style="D")
        else:
            points = size / 0.3528
            self._fonts.set_for("?", points, bold=True)
            self.text(x - self.get_string_width("?") / 2, y + size * 0.36, "?")
        self._reset_pen()

    def _identity(self) -> None:
        width = self.epw / 4
        for fields in (self._report.patient, self._report.exam[:4], self._report.exam[4:]):
            top = lowest = self.y
            for column, field in enumerate(fields):
                self.set_y(top)
                self._field(field, MARGIN + column * width, width - 2)
                lowest = max(lowest, self.y)
            self.y = lowest + (0.8 if fields else 0)
        self.y += 1

    def _field(self, field: Field, left: float, width: float) -> None:
        self._write(field.label, 7.5, width, left=left, grey=GREY)
        self._write(field.value, 10, width, left=left, bold=True)

    def _not_assessed(self, sentences: Sequence[str]) -> None:
        top = self.y
        self.y += 2
        self._write("Not assessed", 13, self.epw - 10, bold=True, left=MARGIN + 5)
        for sentence in sentences:
            self._write(sentence, 11, self.epw - 10, left=MARGIN + 5)
        self.y += 2
        self.set_line_width(0.6)
        self.set_dash_pattern(dash=2, gap=1.2)
        self.rect(MARGIN, top, self.epw, self.y - top)
        self._reset_pen()
        self.y += GAP

    def _pictures(self, image: ImageContent) -> None:
        pictures = [picture for picture in (image.plain, image.overlay) if picture is not None]
        if not pictures:
            self._line("There is no picture to show.", 10)
            self.y += GAP
            return
        width = (self.epw - GAP) / 2 if len(pictures) > 1 else self.epw
        room = self.h - FOOTER_HEIGHT - self.y - self._height_below(image, pictures, width)
        tallest = max(LOWEST_PICTURE, room)
        top = lowest = self.y
        for column, picture in enumerate(pictures):
            left = MARGIN + column * (width + GAP)
            bottom = self._picture(picture, left, top, width, tallest)
            self.set_y(bottom + 0.8)
            self._write(picture.caption, 8, width, left=left, grey=GREY)
            lowest = max(lowest, self.y)
        self.y = lowest + 2

    def _picture(self, picture: PictureContent, left: float, top: float, width: float, tallest: float) -> float:
        """Draw a picture as large as fits, and return where it ends."""
        path = self._report_dir / picture.file
        with Image.open(path) as image:
            scale = min(width / image.width, tallest / image.height)
            size = (image.width * scale, image.height * scale)
        self.image(path, left, top, *size, alt_text=picture.caption)
        return top + size[1]

    def _height_below(self, image: ImageContent, pictures: Sequence[PictureContent], width: float) -> float:
        captions = max(self._height(picture.caption, 8, width) for picture in pictures)
        rows = (len(image.rows) + 1) * ROW_HEIGHT + self._height(self._table_caption(image), 8.5, self.epw)
        notes = sum(self._height(note, 8.5, self.epw) for note in image.notes)
        return captions + (rows if image.rows else 0.0) + notes + 8

    # ------------------------------------------------------------ findings

    def _findings(self, image: ImageContent) -> None:
        if not image.rows:
            if image.model and not image.not_assessed:
                self._line(f"Model: {image.model}.", 8.5, grey=GREY)
            return
        self._line(self._table_caption(image), 8.5, grey=GREY)
        self._table_line([title for title, _ in TABLE_COLUMNS], size=8.5, bold=True)
        for row in image.rows:
            self._finding(row)
        self.y += 1.5

    def _table_caption(self, image: ImageContent) -> str:
        return f"What the model looked for. Model and thresholds: {image.model}."

    def _finding(self, row: FindingRow) -> None:
        loud = row.kind in ("look", "measured")
        if self.y + ROW_HEIGHT > self.page_break_trigger:
            self.add_page()
        if row.kind == "look":
            self.set_fill_color(PALE)
            self.rect(MARGIN, self.y, self.epw, ROW_HEIGHT, style="F")
        self._mark(row.kind, MARGIN + self.epw * TABLE_COLUMNS[0][1] + 1.8, self.y + ROW_HEIGHT / 2, 2.8)
        self._bar(row)
        self._table_line([row.name, row.result, row.score, row.threshold], size=9.5, bold=loud)

    def _table_line(self, cells: Sequence[str], *, size: float, bold: bool) -> None:
        top = self.y
        left = MARGIN
        for column, (text, (_, share)) in enumerate(zip(cells, TABLE_COLUMNS, strict=True)):
            width = self.epw * share
            indent = 5.0 if column == 1 else 1.0
            drawn = self._fonts.set_for(text, size, bold=bold)
            self.set_xy(left + indent, top)
            self.cell(
                width - indent - 1,
                ROW_HEIGHT,
                self._fitting(drawn, width - indent - 1),
                align="R" if column > 1 else "L",
            )
            left += width
        self.set_draw_color(190)
        self.line(MARGIN, top + ROW_HEIGHT, self.w - MARGIN, top + ROW_HEIGHT)
        self._reset_pen()
        self.set_y(top + ROW_HEIGHT)

    def _bar(self, row: FindingRow) -> None:
        left = MARGIN + self.epw * 0.935
        width, height = self.epw * 0.06, 2.4
        top = self.y + (ROW_HEIGHT - height) / 2
        self.set_fill_color(215)
        self.rect(left, top, width, height, style="F")
        self.set_fill_color(BLACK if row.kind == "look" else 140)
        self.rect(left, top, width * row.score_fraction, height, style="F")
        self.set_line_width(0.4)
        at = left + width * row.threshold_fraction
        self.line(at, top - 0.7, at, top + height + 0.7)
        self._reset_pen()

    # ------------------------------------------------------------ text

    def _line(self, text: str, points: float, *, bold: bool = False, grey: int = BLACK, width: float = 0.0) -> None:
        self._write(text, points, width or self.epw, bold=bold, grey=grey)

    def _write(
        self,
        text: str,
        points: float,
        width: float,
        *,
        bold: bool = False,
        align: Literal["L", "R"] = "L",
        left: float = MARGIN,
        grey: int = BLACK,
        keep_colour: bool = False,
    ) -> None:
        """Write `text` into a column, wrapped; `self.y` moves below it."""
        if not text:
            return
        drawn = self._fonts.set_for(text, points, bold=bold)
        if not keep_colour:
            self.set_text_color(grey)
        self.set_x(left)
        self.multi_cell(width, points * LINE_FACTOR, drawn, align=align, new_x="LMARGIN", new_y="NEXT")
        self.set_text_color(BLACK)

    def _height(self, text: str, points: float, width: float) -> float:
        if not text:
            return 0.0
        drawn = self._fonts.set_for(text, points)
        height = self.multi_cell(
            width, points * LINE_FACTOR, drawn, align="L", dry_run=True, output=MethodReturnValue.HEIGHT
        )
        return cast(float, height)

    def _fitting(self, text: str, width: float) -> str:
        if self.get_string_width(text) <= width:
            return text
        while text and self.get_string_width(text + "…") > width:
            text = text[:-1]
        return text + "…"

    def _reset_pen(self) -> None:
        self.set_draw_color(BLACK)
        self.set_fill_color(BLACK)
        self.set_line_width(0.2)
        self.set_dash_pattern()
