"""What a manifest may say: whom a model is for is never left empty, and an estimate needs its own measurement."""

from pathlib import Path
from typing import get_args

import pytest
import tomli_w

from leapfrog.errors import PackageError
from leapfrog.packages.applies_to import AgeRange
from leapfrog.packages.catalogue import find_packages
from leapfrog.packages.manifest import parse_manifest
from leapfrog.packages.measurement_rule import MEASURED_FOR, UNIT_OF_KIND, Estimate, MeasurementKind
from leapfrog.packages.package import ANY_SIGNATURE
from leapfrog.reader.assess.outlines.estimates import ESTIMATES
from support.tiny_models import (
    CLASSIFIER,
    NERVE_AND_VESSEL,
    NERVE_SEGMENTER,
    SEGMENTER,
    classifier_content,
    segmenter_content,
    write_package,
    write_segmenter,
)

FILES = f'\n[files]\n"model.tflite" = "{"0" * 64}"\n'
WORDS = 'words.FETUS = "FETAL OB OBSTETRICAL"\n'
EXCLUDED = '[[applies_to.excluded]]\nwords = "{words}"\nreason = "{reason}"\n[input]'


def refusal(manifest: str) -> str:
    with pytest.raises(PackageError) as refused:
        parse_manifest((manifest + FILES).encode(), "tiny")
    return str(refused.value)


@pytest.mark.parametrize("words", ["", 'words.FETUS = ""\n', 'words.FETUS = " - "\n'])
def test_a_package_without_words_for_its_body_part_is_refused_and_says_what_to_do(words: str) -> None:
    reason = refusal(SEGMENTER.replace(WORDS, words))
    assert "applies_to.words lacks the words for FETUS" in reason
    assert "install a newer version" in reason


def test_an_installed_package_for_an_older_leapfrog_gives_way_to_the_one_that_ships(tmp_path: Path) -> None:
    """Its exclusions stood in the daemon then: without them it would measure a newborn's head."""
    older = SEGMENTER.replace(WORDS, "").replace("0.0.1", "3.0.0")
    write_package(tmp_path / "installed" / "tiny-head", older, segmenter_content())
    write_segmenter(tmp_path / "shipped")
    catalogue = find_packages((tmp_path / "installed", tmp_path / "shipped"), ANY_SIGNATURE)
    assert [package.title for package in catalogue.packages] == ["tiny-head 0.0.1"]
    (problem,) = catalogue.problems()
    assert "for an older Leapfrog" in problem


@pytest.mark.parametrize(("words", "reason"), [("  ", "It is not for it."), ("--- ...", "It is not."), ("A", "  ")])
def test_an_exclusion_that_excludes_nothing_or_gives_no_reason_is_refused(words: str, reason: str) -> None:
    assert "exclusion" in refusal(CLASSIFIER.replace("[input]", EXCLUDED.format(words=words, reason=reason)))


def test_an_exclusions_reason_is_one_line(tmp_path: Path) -> None:
    manifest = CLASSIFIER.replace("[input]", EXCLUDED.format(words="A", reason="One line.\\nAnother."))
    assert "in one line" in refusal(manifest)
    sound = CLASSIFIER.replace("[input]", EXCLUDED.format(words="A", reason="This is of {words}."))
    write_package(tmp_path / "tiny", sound, classifier_content())
    assert len(find_packages((tmp_path,), ANY_SIGNATURE).packages) == 1


def of_ages(ages: str) -> str:
    return CLASSIFIER.replace('views = ["PA", "AP"]\n', f'views = ["PA", "AP"]\n{ages}\n')


def test_ages_are_completed_years_and_the_highest_may_be_open() -> None:
    def ages(text: str) -> AgeRange:
        found = parse_manifest((of_ages(text) + FILES).encode(), "tiny").applies_to.ages_years
        assert found is not None
        return found

    grown, small = ages("ages_years = { lowest = 15 }"), ages("ages_years = { lowest = 1, highest = 5 }")
    assert [years for years in (0, 14, 15, 129) if grown.holds(years)] == [15, 129]
    assert [years for years in range(9) if small.holds(years)] == [1, 2, 3, 4, 5]
    assert (grown.holds_adults, small.holds_adults) == (True, False)
    assert parse_manifest((CLASSIFIER + FILES).encode(), "tiny").applies_to.ages_years is None


@pytest.mark.parametrize(
    ("ages", "said"),
    [
        ("ages_years = { lowest = 6, highest = 5 }", "the lowest of ages_years is above the highest"),
        ("ages_years = { lowest = -1 }", "ages_years.lowest"),
        ("ages_years = { highest = 5 }", "ages_years.lowest"),
        ("ages_years = { lowest = 1, higest = 5 }", "higest"),
        ("ages_years = [1, 5]", "ages_years"),
        ("ages_years = { lowest = 1984 }", "ages_years.lowest"),
    ],
)
def test_ages_that_nobody_can_have_are_refused(ages: str, said: str) -> None:
    assert said in refusal(of_ages(ages))


@pytest.mark.parametrize("said", ["urgent = true\nurgent_threshold = 0.5", "urgent_threshold = 0.8"])
def test_an_urgent_threshold_belongs_to_an_urgent_finding_and_is_not_below_its_threshold(said: str) -> None:
    assert "urgent_threshold needs urgent = true" in refusal(CLASSIFIER.replace("urgent = true", said))


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ('[""]', "not_covered.0: String should have at least 1 character"),
        ('["Lung mass", " "]', "not_covered.1: must be one line of printable letters, without spaces around it"),
        ('["Lung\\nmass"]', "not_covered.0: must be one line"),
        ('["Lung mass", "Nodule", "lung mass"]', 'not_covered has "lung mass" twice: name it once'),
        ('["Bright"]', 'not_covered has "Bright", which is a finding of this package'),
    ],
)
def test_what_is_not_covered_is_named_once_and_in_words(listed: str, said: str) -> None:
    manifest = CLASSIFIER.replace("demonstration = true\n", f"demonstration = true\nnot_covered = {listed}\n")
    assert manifest != CLASSIFIER
    assert said in refusal(manifest)


def test_two_findings_of_one_name_are_refused() -> None:
    assert 'there are two findings of the name "bright": give each its own' in refusal(
        CLASSIFIER.replace('name = "Dark"', 'name = "bright"')
    )
    assert "finding.1.name: must be one line" in refusal(CLASSIFIER.replace('name = "Dark"', 'name = "Dark "'))


def test_a_classifier_may_be_shown_the_exposed_field_only() -> None:
    exposed = CLASSIFIER.replace("width = 28\n", 'width = 28\nfield = "exposed"\n')
    assert parse_manifest((exposed + FILES).encode(), "tiny").input.field == "exposed"
    assert parse_manifest((CLASSIFIER + FILES).encode(), "tiny").input.field == "whole"
    assert "input.field" in refusal(exposed.replace('"exposed"', '"lungs"'))
    assert "for classification packages only" in refusal(
        SEGMENTER.replace("width = 48\n", 'width = 48\nfield = "exposed"\n')
    )


def test_a_segmenter_may_be_shown_the_scan_only() -> None:
    scan = SEGMENTER.replace("width = 48\n", 'width = 48\nfield = "scan"\n')
    assert parse_manifest((scan + FILES).encode(), "tiny").input.field == "scan"
    assert "for segmentation packages only" in refusal(
        CLASSIFIER.replace("width = 28\n", 'width = 28\nfield = "scan"\n')
    )


BY_VIEW = "threshold = 0.6\nurgent = true\nby_view = {{ PA = {{ {PA} }}, AP = {{ {AP} }} }}"
URGENT_PA, AP = "threshold = 0.6, urgent_threshold = 0.8", "threshold = 0.7"


def by_view(rule: str = BY_VIEW.format(PA=URGENT_PA, AP=AP), view: str = "[view]\ncolumn = 2\n") -> str:
    return CLASSIFIER.replace("threshold = 0.6\nurgent = true", rule) + view


def test_thresholds_hold_for_the_view_that_the_model_tells() -> None:
    manifest = parse_manifest((by_view() + FILES).encode(), "tiny")
    assert manifest.view is not None
    assert [manifest.view.told(probability) for probability in (0.0, 0.49, 0.5, 1.0)] == ["PA", "PA", "AP", "AP"]
    bright, dark = manifest.finding
    standing, lying = bright.in_view("PA"), bright.in_view("AP")
    assert standing is not None and lying is not None
    assert (standing.threshold, standing.urgent_threshold, standing.is_urgent(0.8)) == (0.6, 0.8, True)
    assert (lying.threshold, lying.urgent_threshold, lying.is_urgent(1.0)) == (0.7, None, False)
    assert dark.in_view("AP") == dark, "one threshold for both views"
    assert bright.in_view(None) == bright
    assert manifest.not_covered_in("PA") == manifest.not_covered


def test_a_finding_without_thresholds_in_a_view_is_not_looked_for_there() -> None:
    rule = "threshold = 0.7\nby_view = { AP = { threshold = 0.7 } }"
    manifest = parse_manifest((by_view(rule) + FILES).encode(), "tiny")
    bright = manifest.finding[0]
    assert bright.in_view("PA") is None
    assert manifest.not_covered_in("PA") == (f"{bright.name} in PA films", *manifest.not_covered)
    assert manifest.not_covered_in("AP") == manifest.not_covered_in(None) == manifest.not_covered


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (by_view(view=""), "by_view needs a [view]"),
        (by_view(view="[view]\ncolumn = 1\n"), "view.column must be 2, the first column after those of the findings"),
        (by_view(view="[view]\ncolumn = 2\nthreshold = 1.5\n"), "view.threshold"),
        (by_view("threshold = 0.6\nby_view = { }"), "the thresholds of at least one view"),
        (by_view("threshold = 0.6\nby_view = { LL = { threshold = 0.6 } }"), "finding.0.by_view.LL"),
        (by_view("threshold = 0.5\nby_view = { PA = { threshold = 0.6 }, AP = { threshold = 0.7 } }"), "be the lower"),
        (
            by_view("threshold = 0.6\nurgent = true\nby_view = { PA = { threshold = 0.6 }, AP = { threshold = 0.7 } }"),
            "urgent",
        ),
        (by_view(f"threshold = 0.6\nby_view = {{ PA = {{ {URGENT_PA} }}, AP = {{ {AP} }} }}"), "urgent = true needs"),
        (by_view(BY_VIEW.format(PA="threshold = 0.6, urgent_threshold = 0.5", AP=AP)), "must not be below threshold"),
        (by_view(BY_VIEW.format(PA=URGENT_PA, AP=AP) + "\nurgent_threshold = 0.9"), "is given for each view"),
        (SEGMENTER + "[view]\ncolumn = 1\n", "[view] is for classification packages only"),
    ],
)
def test_views_that_cannot_be_told_or_thresholds_that_contradict_are_refused_in_words(manifest: str, said: str) -> None:
    assert said in refusal(manifest)


def test_a_caution_is_one_line_or_none() -> None:
    def with_caution(caution: str) -> str:
        return CLASSIFIER.replace("intended_use", f'caution = "{caution}"\nintended_use', 1)

    said = "One hospital; not yet shown to look at the lungs."
    assert parse_manifest((with_caution(said) + FILES).encode(), "tiny").caution == said
    assert parse_manifest((CLASSIFIER + FILES).encode(), "tiny").caution == ""
    for wrong in ("One line.\\nAnother.", " ", "Bell\\u0007", "Turned \\u202e round"):
        assert "caution: must be one line" in refusal(with_caution(wrong))
    assert "at most 160 characters" in refusal(with_caution("x" * 161))


def test_what_is_said_by_view_is_written_as_it_is_read() -> None:
    manifest = parse_manifest((by_view() + FILES).encode(), "tiny")
    written = tomli_w.dumps(manifest.model_dump(mode="json", exclude_none=True))
    assert parse_manifest(written.encode(), "tiny") == manifest


def test_a_package_shows_where_it_sees_what_its_heat_map_is_good_for() -> None:
    def shown(manifest: str) -> list[bool]:
        parsed = parse_manifest((manifest + FILES).encode(), "tiny")
        return [parsed.shows_where(rule) for rule in parsed.finding]

    assert shown(CLASSIFIER) == [True, True]
    assert shown(CLASSIFIER + "shows_where = false\n") == [True, False]
    without = CLASSIFIER.replace("heatmap = 1\n", "")
    assert shown(without) == [False, False]
    assert "shows_where = true needs outputs.heatmap" in refusal(without + "shows_where = true\n")
    outlined = SEGMENTER.replace("threshold = 0.8\n", "threshold = 0.8\nshows_where = false\n")
    assert "for classification packages only" in refusal(outlined)


def test_gestational_age_is_estimated_from_a_head_circumference_only() -> None:
    estimate = 'estimate = "gestational_age_hadlock_1984"\n'
    assert "11984-2" in refusal(NERVE_SEGMENTER + estimate)
    assert "11984-2" in refusal(SEGMENTER.replace('"11984-2"', '"11979-2"'))


@pytest.mark.parametrize("correction", ["offset = 0.5", "slope = 1.01", "mirrored = true"])
def test_an_area_is_not_corrected_as_a_circumference_is(correction: str) -> None:
    assert 'not for measurement.kind = "area"' in refusal(f"{NERVE_SEGMENTER}{correction}\n")
    assert parse_manifest((f"{SEGMENTER}{correction}\n{FILES}").encode(), "tiny").measurement is not None


def test_every_kind_of_measurement_has_its_unit_and_every_estimate_its_making() -> None:
    assert set(UNIT_OF_KIND) == set(get_args(MeasurementKind))
    assert set(MEASURED_FOR) == set(ESTIMATES) == set(get_args(Estimate))


@pytest.mark.parametrize(
    "wrong", ["a = nan, b = 0", "a = 1, b = inf", "a = -1, b = 0", "a = 0, b = 0", "a = 1, b = -1e6"]
)
def test_a_calibration_that_would_turn_scores_round_or_hide_them_is_refused(wrong: str) -> None:
    broken = CLASSIFIER.replace("threshold = 0.6\n", f"threshold = 0.6\ncalibration = {{ {wrong} }}\n", 1)
    assert "calibration" in refusal(broken)


def test_a_package_of_free_outlines_says_how_each_finding_is_drawn_and_what_it_is_an_aid_for() -> None:
    parsed = parse_manifest((NERVE_AND_VESSEL + FILES).encode(), "tiny")
    assert [(rule.name, rule.drawn, rule.least_area) for rule in parsed.finding] == [
        ("Nerve", "outline", 0.0),
        ("Vessel", "hatched", 0.0),
    ]
    assert parsed.aid == "An aid for finding a nerve, no diagnosis. It must not guide a needle."


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (NERVE_AND_VESSEL.replace('drawn = "hatched"', "urgent = true"), "nothing is urgent"),
        (NERVE_SEGMENTER.replace("least_area", 'drawn = "hatched"\nleast_area'), 'must be drawn = "outline"'),
        (SEGMENTER.replace("threshold = 0.8", 'threshold = 0.8\ndrawn = "hatched"'), 'measurement.kind = "area" only'),
        (CLASSIFIER.replace("[applies_to]", 'aid = "An aid."\n[applies_to]'), 'measurement.kind = "area" only'),
        (NERVE_AND_VESSEL.replace("An aid for", "An aid\\nfor"), "aid: must be one line"),
        (NERVE_AND_VESSEL.replace("An aid for", "An aid for " * 20), "aid: String should have at most 160"),
        (NERVE_AND_VESSEL[: NERVE_AND_VESSEL.index("[measurement]")], "one [[finding]]"),
        (SEGMENTER.replace("mask = 0", ""), "needs outputs.mask"),
    ],
    ids=["urgent", "all hatched", "a hatched head", "an aid for films", "two lines", "long", "no area", "no mask"],
)
def test_outlines_that_would_mislead_are_refused(manifest: str, reason: str) -> None:
    assert reason in refusal(manifest)


@pytest.mark.parametrize(
    "text",
    ["name = " + "[" * 3000, "name = " + "9" * 5000, "a." * 3000 + "a = 1", "version." + "a." * 3000 + "a = 1", "\xff"],
)
def test_toml_without_end_is_refused_like_any_other_mistake(text: str) -> None:
    with pytest.raises(PackageError, match=r"The model package tiny is not loaded: .*\.$"):
        parse_manifest(text.encode("latin-1"), "tiny")


def test_a_manifest_of_a_stranger_steers_no_terminal_and_is_not_quoted_without_end() -> None:
    keys = "\n".join(f'"\\u001b[2J{number}" = 1' for number in range(1000))
    with pytest.raises(PackageError) as refused:
        parse_manifest(keys.encode(), "tiny")
    assert str(refused.value).isprintable()
    assert "more" in str(refused.value) and len(str(refused.value)) < 3000
