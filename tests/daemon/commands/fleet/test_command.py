"""`leapfrog fleet` as a district's timer runs it."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from support.made_up_fleet import MadeUpFleet


def leapfrog_fleet(fleet: MadeUpFleet, *options: str) -> "subprocess.CompletedProcess[str]":
    command = ("fleet", str(fleet.boxes), "--out", str(fleet.out), "--stations", str(fleet.stations), *options)
    return subprocess.run(
        [sys.executable, "-m", "leapfrog", *command], check=False, capture_output=True, text=True, timeout=60
    )


def test_it_says_what_it_shows_and_succeeds_whatever_the_boxes_need(tmp_path: Path) -> None:
    fleet = MadeUpFleet(tmp_path)
    fleet.trouble()
    done = leapfrog_fleet(fleet)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Of 19 boxes, 8 need somebody today")
    assert "  silent: Nothing was heard of it for 3 days. Call the clinic" in done.stdout
    assert done.stdout.rstrip().endswith(str(fleet.out / "index.html"))


def test_programs_get_all_of_it(tmp_path: Path) -> None:
    fleet = MadeUpFleet(tmp_path)
    state = fleet.send("kitui")
    fleet.send('nobody"', known=False)
    said = json.loads(leapfrog_fleet(fleet, "--json").stdout)
    (box,) = said["boxes"]
    assert box["state"] == state.model_dump(mode="json")
    assert (box["box"], box["trusted"], box["needs"], box["by_stick"]) == ("kitui", True, [], False)
    assert datetime.fromisoformat(box["last_heard"]) <= datetime.fromisoformat(said["made_at"])
    assert [one["kind"] for one in said["strangers"]] == ["unknown"]


def test_where_it_cannot_write_it_says_so(tmp_path: Path) -> None:
    fleet = MadeUpFleet(tmp_path)
    fleet.out.write_text("a file")
    done = leapfrog_fleet(fleet)
    assert done.returncode == 1
    assert "Nothing can be written to" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_at_once_leave_one_whole_page(tmp_path: Path) -> None:
    fleet = MadeUpFleet(tmp_path)
    for number in range(20):
        fleet.send(f"box-{number}")
    folders = (str(fleet.boxes), "--out", str(fleet.out), "--stations", str(fleet.stations))
    command = [sys.executable, "-m", "leapfrog", "fleet", *folders]
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
    assert [one.communicate(timeout=60)[1] for one in both] == [b"", b""]
    assert fleet.page.rstrip().endswith("</html>")
    assert sorted(file.name for file in fleet.out.iterdir()) == [
        "index.html", "leapfrog_fleet.prom", "seen.json",
    ]  # fmt: skip
