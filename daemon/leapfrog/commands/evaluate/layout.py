"""The layout of a hospital's own images: `labels.csv`, or folders named by label. `config/evaluate.md` describes it."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TypeVar

from leapfrog.commands.evaluate.contradictions import Placed, require_agreement
from leapfrog.commands.evaluate.finding_names import finding_called, plain
from leapfrog.errors import UsageError
from leapfrog.evaluation.labelled import LabelledImage
from leapfrog.exam import STATED_VIEWS, FrontalView
from leapfrog.intake.folder.file_kind import has_temporary_name
from leapfrog.packages.finding_rules import FindingRule
from leapfrog.packages.manifest import Manifest
from leapfrog.patient_age import stated_age
from leapfrog.settings import OLDEST_YEARS
from leapfrog.wording.text import count

LABELS_NAME = "labels.csv"
FILE, LABEL, MASK = "file", "label", "mask"
ABOUT = ("patient", "age", "sex", "view", "machine", "pixel_spacing_mm")
NORMAL = frozenset(("normal", "nofinding", "nofindings", "none", "healthy", "negative"))
OTHER = frozenset(("other", "abnormal"))
YES = frozenset(("1", "1.0", "yes", "y", "true", "present", "positive", "pos"))
NO = frozenset(("0", "0.0", "no", "n", "false", "absent", "negative", "neg"))
SEXES = {"m": "M", "male": "M", "f": "F", "female": "F", "w": "F", "o": "O", "other": "O"}
DELIMITERS = ",;\t"
SEPARATORS = "|;+"  # of several findings in one label
MOST_NAMED = 5  # in an error
LARGEST_SPACING_MM = 10.0

Value = TypeVar("Value")


@dataclass(frozen=True)
class Labels:
    """The images with their labels, in the order of the list. `notes` are sentences on what was not used; `changed_at`
    is when the table was last changed, as ISO text with its UTC offset, "" for folders.
    """

    images: tuple[LabelledImage, ...]
    notes: tuple[str, ...] = ()
    changed_at: str = ""


def read_labels(data: Path, manifest: Manifest) -> Labels:
    """The images in `data` and what is known of them, for a package with this manifest.

    Raises UsageError, which names what is wrong and where, if the layout is not as described.
    """
    if not data.is_dir():
        raise UsageError(f"{data} is not a folder.")
    labels = _of_csv(data, manifest) if (data / LABELS_NAME).is_file() else _of_folders(data, manifest)
    _require_both(labels.images, manifest)
    return labels


# ---------------------------------------------------------------- labels.csv


def _of_csv(data: Path, manifest: Manifest) -> Labels:
    source = data / LABELS_NAME
    changed_at = datetime.fromtimestamp(source.stat().st_mtime).astimezone().isoformat(timespec="seconds")
    columns, rows = _table(source)
    if FILE not in columns:
        raise UsageError(f'{source} has no column "{FILE}". It has: {", ".join(columns) or "none"}.')
    findings = {column: rule for column in columns if (rule := finding_called(column, manifest)) is not None}
    masks = {column: rule for column in columns if (rule := _masked(column, manifest)) is not None}
    if LABEL not in columns and not findings and not masks:
        raise UsageError(
            f'{source} says of no finding whether it is there. Add a column "{LABEL}", or one for each of:'
            f" {', '.join(_names(manifest))}."
        )
    rows_read = [_row(source, line, row, manifest, findings, masks) for line, row in rows]
    _require_once(source, [image.file for image in rows_read])
    _require_files(data, source, rows_read)
    places = (f"{LABELS_NAME}, line {line} ({image.file})" for (line, _), image in zip(rows, rows_read, strict=True))
    require_agreement(data, map(Placed, places, rows_read))
    known = {FILE, LABEL, *ABOUT, *findings, *masks}
    unused = [column for column in columns if column not in known]
    notes = (f"Columns that were not used: {', '.join(unused)}.",) if unused else ()
    return Labels(tuple(rows_read), notes, changed_at)


def _table(source: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The columns, by their names in lower case, and the rows with their line numbers."""
    try:
        text = source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise UsageError(f"{source} is not saved as UTF-8. Save it again as CSV UTF-8.") from problem
    lines = text.splitlines()
    if not lines:
        raise UsageError(f"{source} is empty.")
    delimiter = max(DELIMITERS, key=lines[0].count)
    try:
        table = csv.reader(lines, delimiter=delimiter, strict=True)
        columns = [name.strip().lower() for name in next(table)]
        rows = [(table.line_num, [cell.strip() for cell in row]) for row in table if any(map(str.strip, row))]
    except csv.Error as problem:
        raise UsageError(f"{source} is not a CSV table: {problem}.") from problem
    if twice := [name for name, times in Counter(columns).items() if times > 1 and name]:
        raise UsageError(f'{source} has the column "{twice[0]}" more than once.')
    for line, row in rows:
        if len(row) != len(columns):
            raise UsageError(
                f"{source}, line {line}: {count(len(row), 'cell')}, but {count(len(columns), 'column')}. Names with"
                " commas need quotes."
            )
    if not rows:
        raise UsageError(f"{source} lists no image.")
    return columns, [(line, dict(zip(columns, row, strict=True))) for line, row in rows]


def _row(
    source: Path,
    line: int,
    row: Mapping[str, str],
    manifest: Manifest,
    findings: Mapping[str, FindingRule],
    masks: Mapping[str, FindingRule],
) -> LabelledImage:
    where = f"{source}, line {line}"

    def cell(column: str, parse: Callable[[str], Value], allowed: str) -> Value | None:
        text = row.get(column, "")
        if not text:
            return None
        try:
            return parse(text)
        except (KeyError, ValueError) as problem:
            raise UsageError(f'{where}: {column} is "{text}". Allowed: {allowed}.') from problem

    truth: dict[str, bool] = {}
    if row.get(LABEL):
        truth = _truth(row[LABEL], manifest, where)
    for column, rule in findings.items():
        there = cell(column, _yes_or_no, "1 or 0, yes or no; empty if it is not known")
        if there is not None:
            truth[rule.name] = there
    return LabelledImage(
        file=_inside(row[FILE], where),
        truth=truth,
        masks={rule.name: _inside(row[column], where) for column, rule in masks.items() if row[column]},
        patient=row.get("patient", ""),
        age_years=cell("age", _age, f"completed years, 0 to {OLDEST_YEARS}, or as in DICOM: 045Y, 036M"),
        sex=cell("sex", lambda text: SEXES[text.lower()], "M, F or O") or "",
        view=cell("view", _view, "PA or AP"),
        machine=row.get("machine", ""),
        pixel_spacing_mm=cell("pixel_spacing_mm", _spacing, "millimetres from one pixel to the next"),
    )


def _inside(file: str, where: str) -> str:
    path = PurePosixPath(file.replace("\\", "/"))
    if not file:
        raise UsageError(f"{where}: no file is named.")
    if path.is_absolute() or ".." in path.parts:
        raise UsageError(f"{where}: {file} is not in the folder of the data. Name files as seen from there.")
    return path.as_posix()


def _require_once(source: Path, files: Iterable[str]) -> None:
    twice = [file for file, times in Counter(files).items() if times > 1]
    if twice:
        raise UsageError(f"{source} lists {_some(twice)} more than once. Each image has one row.")


def _require_files(data: Path, source: Path, images: Iterable[LabelledImage]) -> None:
    named = [file for image in images for file in (image.file, *image.masks.values())]
    missing = [file for file in named if not (data / file).is_file()]
    if missing:
        raise UsageError(f"{source} lists {count(len(missing), 'file')} not in {data}: {_some(missing)}.")


def _yes_or_no(text: str) -> bool:
    lower = text.lower()
    if lower not in YES | NO:
        raise ValueError(text)
    return lower in YES


def _age(text: str) -> int:
    if (stated := stated_age(text.upper())) is not None:
        return stated.years
    years = float(text)
    if not 0 <= years < OLDEST_YEARS + 1:  # nor nan, nor an infinity
        raise ValueError(text)
    return int(years)


def _view(text: str) -> FrontalView:
    return STATED_VIEWS["".join(filter(str.isalpha, text)).upper()]


def _spacing(text: str) -> float:
    spacing = float(text)
    if not 0 < spacing <= LARGEST_SPACING_MM:
        raise ValueError(text)
    return spacing


# ---------------------------------------------------------------- folders


def _of_folders(data: Path, manifest: Manifest) -> Labels:
    folders = sorted(path for path in data.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not folders:
        raise UsageError(
            f"{data} has neither a {LABELS_NAME} nor folders that are named by label, such as normal and"
            f" {_names(manifest)[0]}."
        )
    images = []
    for folder in folders:
        truth = _truth(folder.name, manifest, f"The folder {folder}")
        files = sorted(path for path in folder.rglob("*") if path.is_file() and not has_temporary_name(path.name))
        if not files:
            raise UsageError(f"The folder {folder} is empty.")
        images += [LabelledImage(file=path.relative_to(data).as_posix(), truth=truth) for path in files]
    require_agreement(data, (Placed(image.file, image) for image in images))
    return Labels(tuple(images))


# ---------------------------------------------------------------- labels


def _truth(label: str, manifest: Manifest, where: str) -> dict[str, bool]:
    """What a label says of every finding: a label that names findings says that the others are not there."""
    parts = list(_parts(label))
    named: set[str] = set()
    for part in parts:
        rule = finding_called(part, manifest)
        if rule is not None:
            named.add(rule.name)
        elif len(manifest.finding) == 1 and part.lower() in YES:
            named.add(manifest.finding[0].name)
        elif plain(part) not in NORMAL | OTHER and not (len(manifest.finding) == 1 and part.lower() in NO):
            raise UsageError(
                f'{where}: "{part}" is no label that {manifest.name} knows. It knows: {", ".join(_names(manifest))};'
                " normal; and other, for images with none of these that are not normal."
            )
    if named and any(plain(part) in NORMAL for part in parts):
        raise UsageError(f'{where}: "{label}" says both normal and a finding.')
    return {rule.name: rule.name in named for rule in manifest.finding}


def _parts(label: str) -> Iterator[str]:
    for separator in SEPARATORS[1:]:
        label = label.replace(separator, SEPARATORS[0])
    return (part.strip() for part in label.split(SEPARATORS[0]) if part.strip())


def _masked(column: str, manifest: Manifest) -> FindingRule | None:
    """The finding of which the column names masks: `mask` of the first, `mask NAME` of that one."""
    if manifest.task != "segmentation" or not column.startswith(MASK):
        return None
    return manifest.finding[0] if column == MASK else finding_called(column.removeprefix(MASK), manifest)


def _names(manifest: Manifest) -> list[str]:
    return [rule.code.meaning for rule in manifest.finding]


def _require_both(images: Sequence[LabelledImage], manifest: Manifest) -> None:
    """A package cannot be judged by images that all have a finding, or all lack it; outlines can by their masks."""
    if any(image.masks for image in images):
        return
    names = [rule.name for rule in manifest.finding]
    there = {name for name in names for image in images if image.truth.get(name)}
    absent = {name for name in names for image in images if image.truth.get(name) is False}
    if not there:
        raise UsageError(
            f"No image has any of the findings: {', '.join(_names(manifest))}. Images with and without are needed."
        )
    if not there & absent:
        raise UsageError("No image is without the finding. Images with and without are needed, such as normal ones.")


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
