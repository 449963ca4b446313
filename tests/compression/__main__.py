"""`tests/compression/run`: every original of ../shared/data is made smaller as the box does it, and what that gives is
written down by the kind of image.
"""

import argparse
import io
import sys
import tempfile
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pydicom import dcmread

from leapfrog.errors import UnreadableImage
from leapfrog.exam import PictureHints, PictureIdentity
from leapfrog.reader.objects.finished_object import Purpose
from leapfrog.reader.originals.recoding.compression import compress
from leapfrog.reader.originals.recoding.refusal import AsItCame
from leapfrog.reader.originals.wrapping import wrap_picture
from leapfrog.spool_file.record import read_record
from support.machine import describe

SHARED = Path(__file__).parents[3] / "shared" / "data"
RESULT = Path(__file__).parent / "results" / "compression.md"
NO_DICOM = frozenset((".md", ".txt", ".json", ".png", ".gz", ".icc", ".dump"))
# Folders of pictures that are no DICOM, as a folder of a clinic has them, and what is in each.
PICTURES = {
    "chestxray14/images_1024": "chest films of adults, 8-bit PNG of 1,024 px",
    "chestxray14/images": "chest films of adults, 8-bit PNG of 224 px",
    "adults_rsna_normal/images": "chest films of adults, 8-bit PNG",
    "children_kermany/images": "chest films of children, from JPEG",
    "hc18/training_set": "ultrasound of fetal heads, 8-bit PNG",
    "nerves_usgra/images": "ultrasound of nerves, 8-bit PNG",
}


@dataclass
class Row:
    """What came of one kind of image: of `files`, `smaller` were made smaller, in `seconds`."""

    files: int = 0
    smaller: int = 0
    before: int = 0  # bytes of those that were made smaller
    after: int = 0
    bytes_in_all: int = 0  # as they came
    seconds: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def sent_in_all(self) -> int:
        """The bytes that go out: of copies where there are any, otherwise of originals."""
        return self.bytes_in_all - self.before + self.after

    def cells(self, name: str) -> list[str]:
        """The row of the table."""
        ratio = f"{self.before / self.after:.2f}" if self.after else ""
        speed = f"{self.before / 1e6 / self.seconds:.0f}" if self.smaller and self.seconds else ""
        spared = f"{100 * (1 - self.sent_in_all / self.bytes_in_all):.0f} %" if self.bytes_in_all else ""
        reasons = "; ".join(f"{count}: {reason.rstrip('.')}" for reason, count in self.reasons.most_common())
        counts = [str(self.files), str(self.smaller), f"{self.before:,}", f"{self.after:,}", ratio, speed, spared]
        return [name, *counts, reasons]


HEADINGS = ["kind", "files", "smaller", "bytes before", "bytes after", "ratio", "MB/s", "spared in all", "as it came"]


def take(row: Row, content: bytes) -> None:
    """Make one original smaller, and count it."""
    row.files += 1
    row.bytes_in_all += len(content)
    out = io.BytesIO()
    began = time.perf_counter()
    try:
        compress(io.BytesIO(content), out)
    except AsItCame as refusal:
        row.reasons[str(refusal)] += 1
        return
    row.seconds += time.perf_counter() - began
    row.smaller += 1
    row.before += len(content)
    row.after += len(out.getvalue())


def dicom_files(shared: Path) -> Iterator[tuple[str, bytes]]:
    """The DICOM images, by modality."""
    for folder in ("dicom", "cases"):
        for path in sorted((shared / folder).rglob("*")):
            if path.is_file() and path.suffix not in NO_DICOM and "license" not in path.name.lower():
                header = dcmread(path, force=True, stop_before_pixels=True)
                if "Rows" in header:
                    yield str(header.get("Modality") or "none said"), path.read_bytes()


def wrapped(path: Path, folder: Path) -> bytes:
    """The picture `path` in DICOM, as the box owes it to the district. Raises UnreadableImage."""
    identity = PictureIdentity(
        patient_id="P1", study_instance_uid="2.25.1", series_instance_uid="2.25.2", sop_instance_uid="2.25.3"
    )
    out, purpose = folder / "wrapped.dcm", Purpose("wrapped", "study", "instance")
    wrap_picture(path, identity, PictureHints(), "2026-01-01T00:00:00+00:00", out, purpose)
    record = read_record(out)
    content = out.read_bytes()
    return content[: record.byte_count] if record else content


def table(rows: Iterable[tuple[str, Row]]) -> list[str]:
    """As Markdown."""
    lines = [HEADINGS, ["---"] * len(HEADINGS), *(row.cells(name) for name, row in rows)]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def measure(shared: Path, most: int) -> tuple[dict[str, Row], dict[str, Row]]:
    """What the DICOM files give, by modality, and at most so many pictures of each folder."""
    by_modality: dict[str, Row] = defaultdict(Row)
    for modality, content in dicom_files(shared):
        take(by_modality[modality], content)
    by_folder: dict[str, Row] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, what in PICTURES.items():
            row = by_folder[what] = Row()
            paths = [path for path in sorted((shared / name).glob("*")) if "Annotation" not in path.name]
            for path in paths[:most]:
                try:
                    take(row, wrapped(path, Path(scratch)))
                except UnreadableImage:
                    continue
    return dict(sorted(by_modality.items())), by_folder


def report(by_modality: dict[str, Row], by_folder: dict[str, Row], most: int) -> str:
    """The tables, with what is needed to read them."""
    with tempfile.TemporaryDirectory() as scratch:
        machine = [f"- {name}: {what}" for name, what in describe(Path(scratch)).items() if name != "disk"]
    today = f"{date.today():%d %B %Y}".lstrip("0")
    return "\n".join(
        [
            "# Smaller copies of originals",
            "",
            f"{today}. JPEG-LS lossless, made and compared bit by bit by one thread; MB/s of what went in. `spared in"
            " all` is of all files, those that go as they came included.",
            "",
            *machine,
            "",
            "## The DICOM files of ../shared/data, by modality",
            "",
            *table(by_modality.items()),
            "",
            f"## Pictures of ../shared/data, wrapped in DICOM by the box (at most {most} of each folder)",
            "",
            *table(by_folder.items()),
            "",
        ]
    )


def main() -> int:
    """Measure, show and write down; exit status 1 when nothing was made smaller."""
    parser = argparse.ArgumentParser(prog="tests/compression/run", description=__doc__)
    parser.add_argument("--shared", type=Path, default=SHARED, help="the folder of real images")
    parser.add_argument("--most", type=int, default=200, help="pictures of each folder")
    parser.add_argument("--out", type=Path, default=RESULT, help="where the table is written")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # pydicom's, of old files
    by_modality, by_folder = measure(arguments.shared, arguments.most)
    text = report(by_modality, by_folder, arguments.most)
    arguments.out.write_text(text, encoding="utf-8")
    print(text)
    return 0 if any(row.smaller for row in by_modality.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
