"""Which frames of a sweep are looked at, which agree, and which is reported."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from leapfrog.exam import Code, Finding, Measurement
from leapfrog.language.sentence import Sentence
from leapfrog.reader.assess.assessment import Assessment
from leapfrog.reader.assess.sweep import Sweep

CODE = Code(value="1", scheme="99TEST", meaning="Head")
NOTHING = Assessment("not_assessed", Sentence("nothing here"))


def head(size: float, x: float = 0.5, *, whole: bool = True, alike: float = 1.0) -> Assessment:
    """A round head of `size` mm around, at `x` of the picture's width."""
    turns = [step * math.tau / 24 for step in range(24)]
    contour = tuple((x + size / 600 * math.cos(turn), 0.5 + size / 600 * math.sin(turn)) for turn in turns)
    measurement = Measurement(name="Head circumference", value=size, unit="mm") if whole else None
    finding = Finding(
        name="Fetal head",
        code=CODE,
        score=0.9,
        threshold=0.8,
        flagged=True,
        contour=(contour,),
        measurement=measurement,
    )
    return Assessment("findings", findings=(finding,), measured=whole, weight=size, alike=alike)


def swept(frames: Sequence[Assessment | None], coarse: int = 16) -> Sweep:
    sweep = Sweep(range(len(frames)), len(frames), coarse)
    while (frame := sweep.next()) is not None:
        sweep.add(frame, frames[frame])
    return sweep


def order(frames: Sequence[Assessment | None], coarse: int) -> list[int]:
    sweep = Sweep(range(len(frames)), len(frames), coarse)
    looked_at = []
    while (frame := sweep.next()) is not None:
        looked_at.append(frame)
        sweep.add(frame, frames[frame])
    return looked_at


def test_evenly_spaced_frames_come_first_then_those_around_the_largest_head_then_all_others() -> None:
    frames: list[Assessment | None] = [NOTHING] * 21
    frames[10], frames[15] = head(170), head(180)
    looked_at = order(frames, coarse=5)
    assert looked_at[:5] == [0, 5, 10, 15, 20]
    assert looked_at[5:7] == [14, 16]
    assert sorted(looked_at) == list(range(21))


def test_as_long_as_nothing_is_outlined_one_frame_in_five_is_looked_at() -> None:
    assert len(order([NOTHING] * 300, coarse=16)) <= 16 + 300 / 5


@pytest.mark.parametrize("begin", range(20, 60))
def test_a_head_in_five_frames_of_a_long_loop_is_found_wherever_it_is(begin: int) -> None:
    frames: list[Assessment | None] = [NOTHING] * 300
    frames[begin : begin + 5] = [head(170)] * 5
    assert swept(frames).reported()[0] in range(begin, begin + 5)


def test_where_the_evenly_spaced_frames_are_damaged_all_others_are_tried() -> None:
    frames: list[Assessment | None] = [None] * 40
    frames[36] = NOTHING
    assert swept(frames, coarse=4).reported() == (36, NOTHING)


def test_where_time_runs_out_five_frames_are_needed_all_the_same() -> None:
    sweep = Sweep(range(12), 12, 4)
    for frame in (4, 5, 6):
        sweep.add(frame, head(170))
    assert sweep.reported()[1].outcome == "not_assessed"
    for frame in (3, 7):
        sweep.add(frame, head(170))
    assert sweep.reported()[1].outcome == "findings"


def test_a_loop_of_a_thousand_outlines_costs_no_time_beside_that_of_the_model() -> None:
    frames = [head(170) for _ in range(1000)]
    began = time.process_time()
    assert swept(frames).looked_at == len(frames)
    assert time.process_time() - began < 2


def test_the_plane_in_which_the_head_is_largest_is_reported_with_its_number_and_spread() -> None:
    sizes = [120, 132, 144, 155, 165, 172, 176, 178, 178.5, 177, 172, 166, 155, 142]
    frame, found = swept([head(size) for size in sizes]).reported()
    assert frame in (7, 8, 9)
    note = found.findings[0].note
    assert note.startswith(f"Frame {frame + 1} of 14; in the 5 frames around it that agree, the head circumference is")
    assert note.endswith("178.5 mm.")


def test_a_single_wrong_outline_does_not_set_the_plane() -> None:
    sizes = [150, 152, 154, 155, 156, 170, 156, 155, 154, 152, 150]
    frame, found = swept([head(size) for size in sizes]).reported()
    assert found.weight == pytest.approx(155, abs=1)
    assert frame != 5


@pytest.mark.parametrize(
    "frames",
    [
        [NOTHING] * 6 + [head(170)] + [NOTHING] * 6,
        [head(170, x) for x in (0.3, 0.5, 0.7, 0.3, 0.5, 0.7)],
        [head(size) for size in (100, 150, 220, 100, 150, 220)],
        [head(170), head(170), head(170), head(170), *[NOTHING] * 5],
        [head(170, alike=0.7) for _ in range(9)],
    ],
    ids=["one frame", "moving", "growing", "too few", "otherwise in the mirror"],
)
def test_outlines_that_no_neighbours_confirm_are_no_head(frames: list[Assessment | None]) -> None:
    _, found = swept(frames).reported()
    assert found.outcome == "not_assessed"
    assert found.findings == ()
    assert "so it is not taken for a fetal head" in found.reason


def test_a_frame_that_is_damaged_or_has_no_outline_does_not_part_its_neighbours() -> None:
    frames: list[Assessment | None] = [head(170 + index) for index in range(9)]
    frames[3], frames[6] = None, NOTHING
    _, found = swept(frames).reported()
    assert found.outcome == "findings"


def test_a_whole_head_comes_before_a_larger_one_that_is_cut() -> None:
    frames = [head(170) for _ in range(6)] + [NOTHING] * 3 + [head(250, whole=False) for _ in range(6)]
    assert swept(frames).reported()[1].weight == 170
    cut = [head(250, whole=False) for _ in range(6)]
    assert swept(cut).reported()[1].findings[0].measurement is None


def test_a_head_that_was_measured_comes_before_one_that_is_too_large_to_be() -> None:
    impossible = [replace(head(510 + size, whole=False), measured=True) for size in range(6)]
    frame, found = swept([head(480), head(490), head(495), head(498), *impossible]).reported()
    assert found.findings[0].measurement is not None
    assert frame in (2, 3)
    assert swept(impossible).reported()[1].findings[0].measurement is None


def test_a_cine_of_a_few_frames_needs_all_of_them() -> None:
    assert swept([head(170), head(172)]).reported()[1].outcome == "findings"
    assert swept([head(170), NOTHING]).reported()[1].outcome == "not_assessed"


def test_without_any_outline_the_reason_is_that_of_a_frame() -> None:
    assert swept([NOTHING, None, NOTHING]).reported()[1] == NOTHING
