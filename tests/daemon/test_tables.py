"""Tables fit the screen, whatever stands in them: what a person is sent there to read must be all there."""

import io

import pytest
from rich.console import Console

from leapfrog import tables

REASON = "The file should hold a picture, but there is none. Send it again from the machine that made it."


def shown(rows: list[tables.Row], columns: int) -> list[str]:
    stream = io.StringIO()
    console = Console(file=stream, width=columns, markup=False)
    for line in tables.instances(rows):
        console.print(line)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("columns", [80, 100, 200])
def test_no_reason_is_cut(columns: int) -> None:
    row = {"id": "272ef95f8d179f04", "exam_number": "K7-42F", "state": "set_aside",
           "received_at": "2026-11-28T19:15:33+00:00",
           "source": "folder /var/lib/leapfrog/inbox/ultrasound", "reason": REASON}  # fmt: skip
    lines = shown([row, {"more": 12}], columns)
    assert all(len(line) <= columns for line in lines)
    cells = [line.split("│")[6].strip() for line in lines if line.startswith("│")]
    assert "".join(cells).replace(" ", "") == REASON.replace(" ", "")
    assert any("272ef95f8d179f04" in line and "K7-42F" in line for line in lines)
    assert lines[-1] == "and 12 more: --limit shows them"
