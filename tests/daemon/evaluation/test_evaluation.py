"""What the box said of images, compared with what is known of them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leapfrog.errors import UsageError
from leapfrog.evaluation.evaluation import PackageEvaluation, Setup, evaluated, read_evaluation
from leapfrog.evaluation.labelled import EvaluatedImage, LabelledImage, SaidFinding, SaidOfImage
from leapfrog.evaluation.page import number, render_evaluation, summary_lines
from leapfrog.evaluation.pictures import mask_overlap
from leapfrog.exam import Code, Finding, FrontalView, ImageReading
from leapfrog.packages.manifest import Manifest, parse_manifest
from support.readings import unassessed_reading
from support.tiny_models import CLASSIFIER, VIEW_TELLER

HASH = f'\n[files]\n"model.tflite" = "{"0" * 64}"\n'
TINY = parse_manifest((CLASSIFIER + HASH).encode(), "tiny-chest")
TELLS_VIEWS = parse_manifest((VIEW_TELLER + HASH).encode(), "tiny-chest")
SETUP = Setup(
    package="tiny-chest", version="1.2.3", package_sha256="0" * 64, demonstration=True, data="films", images=220,
    labels_changed_at="2026-11-20T08:15:00+03:00",
    station="Test hospital", leapfrog="0.1.0", measured_at="2026-11-29T10:00:00+00:00",
)  # fmt: skip


def image(
    number: int,
    there: bool,
    score: float,
    *,
    view: FrontalView | None = None,
    threshold: float = 0.6,
    assessed: bool = True,
    **about: str,
) -> EvaluatedImage:
    findings: Mapping[str, SaidFinding] = {
        "Bright": SaidFinding(score=score, threshold=threshold, flagged=score >= threshold, urgent=score >= 0.9)
    }
    said = SaidOfImage(
        sha256=f"{number}",
        outcome="findings" if assessed else "not_assessed",
        reason="" if assessed else "Too dark.",
        view=view,
        read_by="tiny-chest 1.2.3" if assessed else "",
        findings=dict(findings) if assessed else {},
    )
    labelled = LabelledImage.model_validate({"file": f"{number}.png", "truth": {"Bright": there}, **about})
    return EvaluatedImage(labelled=labelled, said=said, assessed=assessed)


def measured(*images: EvaluatedImage, manifest: Manifest = TINY) -> PackageEvaluation:
    return evaluated(SETUP, manifest, images, ())


def test_shares_are_of_what_was_assessed_and_the_rest_is_told_by_reason() -> None:
    flagged = [image(n, True, 0.95) for n in range(3)] + [image(3, False, 0.7)]
    others = [image(4, True, 0.2), *(image(n, False, 0.1) for n in range(5, 10))]
    unread = [image(10, True, 0, assessed=False), image(11, False, 0, assessed=False)]
    result = measured(*flagged, *others, *unread)
    (bright,) = result.findings
    found = bright.detection
    shares = [found.sensitivity, found.specificity, found.positive_predictive_value, found.negative_predictive_value]
    assert [(one.hits, one.of) for one in shares if one] == [(3, 4), (5, 6), (3, 4), (5, 6)]
    assert bright.urgent_positives is not None and bright.urgent_positives.hits == 3
    assert (bright.not_assessed_positives, bright.not_assessed_negatives) == (1, 1)
    assert [(one.reason, one.positives, one.negatives) for one in result.unread] == [("Too dark.", 1, 1)]
    assert found.auroc is None  # too few
    assert (result.overall.assessed, result.overall.images) == (10, 12)


def test_an_image_of_which_nothing_is_known_is_neither_sick_nor_healthy() -> None:
    def unknown(one: EvaluatedImage) -> EvaluatedImage:
        return one.model_copy(update={"labelled": LabelledImage(file=one.labelled.file, truth={})})

    known = [image(1, True, 0.95), image(2, False, 0.1), image(3, False, 0, assessed=False)]
    result = measured(*known, unknown(image(4, False, 0.95)), unknown(image(5, False, 0, assessed=False)))
    overall = result.overall
    shares = [overall.sick_flagged, overall.healthy_flagged, overall.healthy_urgent]
    assert [(one.hits, one.of) for one in shares if one] == [(1, 1), (0, 1), (0, 1)]
    assert (overall.assessed, overall.images) == (3, 5)
    (unread,) = result.unread
    assert (unread.positives, unread.negatives, unread.unknown) == (0, 1, 1)
    assert "not known</th>" in render_evaluation(result)
    assert "not known</th>" not in render_evaluation(measured(*known))


def test_copies_count_once() -> None:
    first = image(1, True, 0.9)
    copy = first.model_copy(update={"labelled": LabelledImage(file="copy.png", truth={"Bright": True})})
    result = measured(first, copy, image(2, False, 0.1))
    assert [one.labelled.file for one in result.images] == ["1.png", "2.png"]
    assert result.notes == ("1 of the images is a copy of another, and was left out.",)
    assert measured(first, copy, copy).notes == ("2 of the images are copies of others, and were left out.",)


def test_copies_are_no_further_evidence() -> None:
    few = [image(n, n % 2 == 0, (n % 60) / 60, machine="new") for n in range(120)]
    once, twice = measured(*few), measured(*few, *few)
    assert twice.findings == once.findings and twice.overall == once.overall
    assert "Here there are 60 and 60." in twice.findings[0].why_no_candidates


def test_groups_are_measured_apart() -> None:
    old_ones = [image(n, n % 2 == 0, 0.9, machine="old") for n in range(10)]
    images = old_ones + [image(n, n % 2 == 0, 0.9 if n % 2 == 0 else 0.1, machine="new") for n in range(10, 40)]
    groups = {one.name: one.detection for one in measured(*images).findings[0].groups}
    assert set(groups) == {"old", "new"}
    old, new = groups["old"], groups["new"]
    assert old.specificity is not None and old.specificity.hits == 0
    assert new.specificity is not None and new.specificity.value == 1


def test_thresholds_by_view_are_judged_and_proposed_by_view() -> None:
    images = [
        image(n, n % 2 == 0, (n % 100) / 100, view="PA" if n < 200 else "AP", threshold=0.6 if n < 200 else 0.2)
        for n in range(210)
    ]
    together, pa, ap = measured(*images, manifest=TELLS_VIEWS).findings
    assert (together.view, pa.view, ap.view) == (None, "PA", "AP")
    assert together.candidates == () and together.why_no_candidates == ""
    assert [one.threshold for one in pa.candidates if one.in_use] == [0.6]
    assert ap.candidates == () and "Here there are 5 and 5." in ap.why_no_candidates


def test_the_page_shows_text_from_outside_as_text(tmp_path: Path) -> None:
    images = [image(n, n < 15, n / 30, machine="<script>" if n % 2 else "b") for n in range(30)]
    evaluation = measured(*images)
    page = render_evaluation(evaluation)
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert page.count("<svg") == 3
    file = tmp_path / "evaluation.json"
    file.write_text(evaluation.model_dump_json())
    assert read_evaluation(file)[0] == evaluation
    file.write_text("{}")
    with pytest.raises(UsageError, match="is not an evaluation"):
        read_evaluation(file)


def test_the_size_and_date_of_the_data_are_told() -> None:
    told = "The data: 220 images; the labels were last changed on 2026-11-20 08:15."
    evaluation = measured(image(1, True, 0.9), image(2, False, 0.1))
    assert told in render_evaluation(evaluation) and told in summary_lines(evaluation)
    by_folder = evaluation.setup.model_copy(update={"labels_changed_at": ""})
    assert "The data: 220 images." in render_evaluation(evaluation.model_copy(update={"setup": by_folder}))


def test_sentences_of_the_page_stand_apart() -> None:
    def not_looked_for(one: EvaluatedImage) -> EvaluatedImage:
        return one.model_copy(update={"said": one.said.model_copy(update={"findings": {}})})

    unread = image(3, True, 0, assessed=False)
    evaluation = measured(image(1, True, 0.9), image(2, False, 0.1), unread, not_looked_for(image(4, True, 0)))
    page = " ".join(render_evaluation(evaluation).split())
    assert "too narrow. This is a demonstration model." in page
    assert "none of the figures below. In 1 image of another view" in page


def test_a_threshold_is_shown_as_a_person_has_to_type_it() -> None:
    assert (number(0.6), number(0.30000001192092896)) == ("0.6", "0.30000001192092896")
    assert float(number(0.9999999)) == 0.9999999


def outlined(reading: ImageReading, *contour: tuple[float, float]) -> ImageReading:
    code = Code(value="1", scheme="99TEST", meaning="Nerve")
    nerve = Finding(name="Nerve", code=code, score=0.9, threshold=0.8, flagged=True, contour=(contour,))
    header = reading.header.model_copy(update={"rows": 100, "columns": 200})
    return reading.model_copy(update={"findings": (nerve,), "header": header})


def test_an_outline_is_compared_with_its_mask(tmp_path: Path) -> None:
    mask = np.zeros((100, 200), np.uint8)
    mask[20:60, 50:100] = 1
    Image.fromarray(mask).save(tmp_path / "mask.png")
    reading = outlined(unassessed_reading(), (0.25, 0.2), (0.495, 0.2), (0.495, 0.39), (0.25, 0.39))
    found = mask_overlap(tmp_path / "mask.png", reading, "Nerve")
    assert found.truth == 2000
    assert found.both == found.mask == pytest.approx(1000, abs=60)
    nothing = mask_overlap(tmp_path / "mask.png", reading.model_copy(update={"findings": ()}), "Nerve")
    assert (nothing.both, nothing.mask, nothing.truth) == (0, 0, 2000)
    Image.fromarray(mask[:50]).save(tmp_path / "mask.png")
    with pytest.raises(UsageError, match="must be of one size"):
        mask_overlap(tmp_path / "mask.png", reading, "Nerve")
