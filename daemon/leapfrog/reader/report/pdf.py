"""The report on paper: a page per image that can stand alone, and that a black-and-white printer does justice to.

Results are told by shape and words, never by colour.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from fpdf import FPDF
from PIL import Image

from leapfrog.reader.report.typesetting import BUILT_IN_FAMILY, Type, Typesetter
from leapfrog.wording.content import Kind
from leapfrog.wording.report import Field, FindingRow, Headline, ImageWords, PictureWords, ReportWords
from leapfrog.wording.text import clean

MARGIN = 12.0  # mm, as all lengths here
GAP = 3.0
INSET = 4.0  # of text in a box
FOOTER_HEIGHT = 17.0
LOWEST_PICTURE = 55.0
LOWEST_HEATMAP = 30.0
HEATMAPS_IN_A_ROW = 4
ROW_HEIGHT = 4.9
TABLE_COLUMNS = (("Finding", 0.38), ("Result", 0.34), ("Score", 0.09), ("Threshold", 0.11))  # shares of the width
BAR_COLUMN = (0.935, 0.06)  # where the bar begins, and its share
MOST_FIELD_LINES = 6
MOST_CONFLICTS = 5
LONGEST_CONFLICT = 200  # characters; the page and report.json have it whole

TITLE = Type(15, bold=True)
SUBTITLE = Type(13, bold=True)
STRONG = Type(10.5, bold=True)
BODY = Type(10)
BODY_BOLD = Type(10, bold=True)
CELL = Type(9.5)
CELL_BOLD = Type(9.5, bold=True)
SMALL = Type(8.5)
SMALL_BOLD = Type(8.5, bold=True)
TINY = Type(7.5)

BLACK, GREY, RULE, PALE = 0, 85, 190, 232
RED = (176, 0, 18)
POINT = 0.3528  # mm
TOTAL_PAGES = "\x1b000"  # stands for the number of pages; no text that was made harmless can contain it

PageSize = Literal["A4", "Letter"]


def render_pdf(report: ReportWords, report_dir: Path, page_size: PageSize) -> bytes:
    """The PDF of `report`, whose pictures lie in `report_dir`."""
    pdf = _ReportPdf(report, report_dir, page_size)
    for image in report.images:
        pdf.add_image(image)
    if not report.images:
        pdf.add_empty()
    return bytes(pdf.output())


class _ReportPdf(FPDF):
    """Draws one report. `self.y` is always where the next block begins."""

    def __init__(self, report: ReportWords, report_dir: Path, page_size: PageSize) -> None:
        super().__init__(format=page_size)
        self._report = report
        self._report_dir = report_dir
        self._typesetter = Typesetter(self)
        self.set_margins(MARGIN, MARGIN)
        self.set_auto_page_break(False)
        self.set_title("Leapfrog report")
        self.set_creator(report.version_line)
        self.set_lang("en")
        self.alias_nb_pages(TOTAL_PAGES)
        self.c_margin = 0

    @property
    def _bottom(self) -> float:
        return float(self.h) - FOOTER_HEIGHT

    # ------------------------------------------------------------ pages

    def add_image(self, image: ImageWords) -> None:
        """A page for one image; the first also has the headline of the study."""
        self._begin_page(image.title)
        own = image.number > 1 or len(self._report.images) == 1
        self._headline(image.headline if own else self._report.headline)
        self._identity()
        if not own and image.not_assessed:
            self._not_assessed(image.not_assessed)
        elif not own:
            self._write(f"This image: {image.headline.text}", STRONG)
            self._write(image.headline.detail, BODY)
            self.y += 1.5
        self._pictures(image)
        self._findings(image)
        for note in image.notes:
            self._write(note, SMALL, grey=GREY)
        self._heatmaps(image.heatmaps)

    def add_empty(self) -> None:
        """The page of a study of which no image could be read."""
        self._begin_page("")
        self._headline(self._report.headline)
        self._identity()

    def footer(self) -> None:
        """What stands on every page; called by fpdf2."""
        self.y = self._bottom + 2
        self.line(MARGIN, self.y, self.w - MARGIN, self.y)
        self.y += 1.2
        self._write(self._report.disclaimer, CELL_BOLD)
        top = self.y
        self._write(self._report.version_line, SMALL, width=self.epw - 25, grey=GREY)
        self.y = top
        self._page_number()

    def _page_number(self) -> None:
        """fpdf2 puts the total in place of the alias when the document is complete, but only in cells."""
        self.set_text_shaping(False)
        self.set_font(BUILT_IN_FAMILY, "", SMALL.points)
        self.set_text_color(GREY)
        self.set_x(self.w - MARGIN - 25)
        self.cell(25, SMALL.line_height, f"Page {self.page_no()} of {TOTAL_PAGES}", align="R")
        self.set_text_color(BLACK)

    def _begin_page(self, title: str) -> None:
        self.add_page()
        top = self.y
        self._write(f"{self._report.station} report", BODY, width=self.epw * 0.4, grey=GREY)
        left_end, self.y = self.y, top
        self._write(title, BODY_BOLD, left=MARGIN + self.epw * 0.4, width=self.epw * 0.6, to_right=True)
        self.y = max(self.y, left_end) + 1.5
        if self._report.phantom_banner:
            self._banner([self._report.phantom_banner], (0, 0, 0))
        if self._report.conflicts:
            shown = [clean(sentence, LONGEST_CONFLICT) for sentence in self._report.conflicts[:MOST_CONFLICTS]]
            more = len(self._report.conflicts) - len(shown)
            self._banner(["! Check whose exam this is.", *shown, *([f"And {more} more."] if more else [])], RED)

    # ------------------------------------------------------------ blocks

    def _banner(self, sentences: Sequence[str], colour: tuple[int, int, int]) -> None:
        top = self.y
        self.y += 1.8
        for sentence in sentences:
            self._write(sentence, STRONG, left=MARGIN + INSET, width=self.epw - 2 * INSET, colour=colour)
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
        self._write(headline.text, TITLE, left=left, width=width)
        if headline.detail:
            self._write(headline.detail, BODY, left=left, width=width)
        self.y += 2
        self._box(top, dashed=headline.kind == "not_assessed")
        self._mark(headline.kind, MARGIN + 8.5, (top + self.y) / 2, 8.5)
        self.y += 2

    def _box(self, top: float, *, dashed: bool) -> None:
        """A frame from `top` to here, as wide as the page."""
        self.set_line_width(0.7)
        if dashed:
            self.set_dash_pattern(dash=2, gap=1.2)
        self.rect(MARGIN, top, self.epw, self.y - top)
        self._reset_pen()

    def _mark(self, kind: Kind, x: float, y: float, size: float) -> None:
        """The shape of `kind`, centred on (x, y): a filled triangle, a disc, a ring, a question mark."""
        half = size / 2
        self.set_line_width(max(0.25, size / 14))
        if kind == "look":
            self.polygon([(x, y - half), (x + half, y + half * 0.8), (x - half, y + half * 0.8)], style="F")
        elif kind == "measured":
            self.circle(x, y, half * 0.8, style="F")
        elif kind == "nothing_flagged":
            self.circle(x, y, half * 0.75, style="D")
        else:
            sign = Type(size / POINT, bold=True)
            self._typesetter.write_line("?", sign, x - size * 0.3, y - sign.line_height * 0.5, size)
        self._reset_pen()

    def _identity(self) -> None:
        width = self.epw / 4
        for fields in (self._report.patient, self._report.exam[:4], self._report.exam[4:]):
            top = lowest = self.y
            for column, field in enumerate(fields):
                self.y = top
                self._field(field, MARGIN + column * width, width - 2)
                lowest = max(lowest, self.y)
            self.y = lowest + (0.8 if fields else 0)
        self.y += 1

    def _field(self, field: Field, left: float, width: float) -> None:
        self._write(field.label, TINY, left=left, width=width, grey=GREY)
        lines = self._typesetter.lines(field.value, BODY_BOLD, width)
        if len(lines) > MOST_FIELD_LINES:
            lines = [*lines[: MOST_FIELD_LINES - 1], f"{lines[MOST_FIELD_LINES - 1][:-2]}…"]
        for line in lines:
            self._write(line, BODY_BOLD, left=left, width=width)

    def _not_assessed(self, sentences: Sequence[str]) -> None:
        top = self.y
        self.y += 2
        self._write("Not assessed", SUBTITLE, left=MARGIN + INSET, width=self.epw - 2 * INSET)
        for sentence in sentences:
            self._write(sentence, BODY, left=MARGIN + INSET, width=self.epw - 2 * INSET)
        self.y += 2
        self._box(top, dashed=True)
        self.y += GAP

    # ------------------------------------------------------------ pictures

    def _pictures(self, image: ImageWords) -> None:
        pictures = [picture for picture in (image.plain, image.overlay) if picture is not None]
        if not pictures:
            self._write("There is no picture to show.", BODY)
            self.y += GAP
            return
        if self._bottom - self.y < LOWEST_PICTURE + 10:
            self.add_page()
        width = (self.epw - GAP) / 2 if len(pictures) > 1 else self.epw
        captions = max(self._typesetter.height(picture.caption, SMALL, width) for picture in pictures)
        tallest = max(LOWEST_PICTURE, self._bottom - self.y - captions - 3 - self._height_of_findings(image))
        top = lowest = self.y
        for column, picture in enumerate(pictures):
            left = MARGIN + column * (width + GAP)
            self._picture(picture, left, top, width, tallest)
            lowest = max(lowest, self.y)
        self.y = lowest + 2

    def _heatmaps(self, heatmaps: Sequence[PictureWords]) -> None:
        """Each flagged finding by itself, in a row, where the page has room; the overlay shows them all together."""
        width = (self.epw - (HEATMAPS_IN_A_ROW - 1) * GAP) / HEATMAPS_IN_A_ROW
        heading, caption = SMALL.line_height + 4, 2 * SMALL.line_height + 1
        room = self._bottom - self.y - heading - caption
        if not heatmaps or room < LOWEST_HEATMAP:
            return
        self.y += 3
        self._write("Each flagged finding by itself", SMALL_BOLD)
        top = self.y + 1
        for column, heatmap in enumerate(heatmaps[:HEATMAPS_IN_A_ROW]):
            left = MARGIN + column * (width + GAP)
            self._picture(heatmap, left, top, width, min(room, width * 1.25))

    def _picture(self, picture: PictureWords, left: float, top: float, width: float, tallest: float) -> None:
        """Draw a picture as large as fits, and its caption."""
        path = self._report_dir / picture.file
        with Image.open(path) as image:
            scale = min(width / image.width, tallest / image.height)
            size = (image.width * scale, image.height * scale)
        self.image(path, left, top, *size, alt_text=picture.caption)
        self.y = top + size[1] + 0.8
        self._write(picture.caption, SMALL, left=left, width=width, grey=GREY)

    def _height_of_findings(self, image: ImageWords) -> float:
        notes = sum(self._typesetter.height(note, SMALL, self.epw) for note in image.notes)
        caption = self._typesetter.height(image.table_caption, SMALL, self.epw)
        return notes + caption + (len(image.rows) + 1) * ROW_HEIGHT + 3 if image.rows else notes + 6

    # ------------------------------------------------------------ findings

    def _findings(self, image: ImageWords) -> None:
        if not image.rows:
            if image.model and not image.not_assessed:
                self._write(image.model, SMALL, grey=GREY)
            return
        self._write(image.table_caption, SMALL, grey=GREY)
        self._table_line([title for title, _ in TABLE_COLUMNS], SMALL_BOLD)
        for row in image.rows:
            self._finding(row)
        self.y += 1.5

    def _finding(self, row: FindingRow) -> None:
        if self.y + ROW_HEIGHT > self._bottom:
            self.add_page()
        if row.kind == "look":
            self.set_fill_color(PALE)
            self.rect(MARGIN, self.y, self.epw, ROW_HEIGHT, style="F")
            self._reset_pen()
        self._mark(row.kind, MARGIN + self.epw * TABLE_COLUMNS[0][1] + 1.8, self.y + ROW_HEIGHT / 2, 2.8)
        self._bar(row)
        quiet = row.kind == "nothing_flagged"
        self._table_line([row.name, row.result, row.score, row.threshold], CELL if quiet else CELL_BOLD)

    def _table_line(self, cells: Sequence[str], kind: Type) -> None:
        top = self.y
        left = MARGIN
        for column, (text, (_, share)) in enumerate(zip(cells, TABLE_COLUMNS, strict=True)):
            indent = 5.0 if column == 1 else 1.0
            width = self.epw * share - indent - 1
            line_top = top + (ROW_HEIGHT - kind.line_height) / 2
            fitting = self._fitting(text, kind, width)
            self._typesetter.write_line(fitting, kind, left + indent, line_top, width, to_right=column > 1)
            left += self.epw * share
        self.y = top + ROW_HEIGHT
        self.set_draw_color(RULE)
        self.line(MARGIN, self.y, self.w - MARGIN, self.y)
        self._reset_pen()

    def _bar(self, row: FindingRow) -> None:
        """The score as a bar with the threshold as a stroke across it."""
        left, width, height = MARGIN + self.epw * BAR_COLUMN[0], self.epw * BAR_COLUMN[1], 2.4
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

    def _write(
        self,
        text: str,
        kind: Type,
        *,
        left: float = MARGIN,
        width: float | None = None,
        grey: int = BLACK,
        colour: tuple[int, int, int] | None = None,
        to_right: bool = False,
    ) -> None:
        """Write `text` into a column, wrapped; `self.y` moves below it. A line that does not fit begins a page."""
        width = self.epw if width is None else width
        for line in self._typesetter.lines(text, kind, width):
            if self.y + kind.line_height > self._bottom and not self.in_footer:
                self.add_page()
            top = self.y
            self.set_text_color(*(colour or (grey,)))
            self._typesetter.write_line(line, kind, left, top, width, to_right=to_right)
            self.y = top + kind.line_height
        self.set_text_color(BLACK)

    def _fitting(self, text: str, kind: Type, width: float) -> str:
        """The first line of `text`, with an ellipsis where more was left out."""
        first, *more = self._typesetter.lines(text, kind, width) or [""]
        return f"{first[:-1]}…" if more else first

    def _reset_pen(self) -> None:
        self.set_draw_color(BLACK)
        self.set_fill_color(BLACK)
        self.set_line_width(0.2)
        self.set_dash_pattern()
