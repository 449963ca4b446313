"""What the district's page of all boxes says, beside what is true of them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import leapfrog
from end_to_end.whole_district.clinic import Clinic
from support.district import FLEET_SERVICE, READERS_PORT, District

MADE = "/var/lib/leapfrog-district/fleet/leapfrog_fleet.prom"
SHOWN = f"https://127.0.0.1:{READERS_PORT}/fleet/"
DEVICE = "cpu"  # on which the boxes' models run here


@dataclass(frozen=True)
class BoxOnPage:
    """What `leapfrog fleet` says of one box; `made_at`: when the box said it, by its own clock."""

    name: str
    by_stick: bool
    made_at: datetime
    owed: int
    device: str
    version: str
    models: Mapping[str, str]


@dataclass(frozen=True)
class FleetPage:
    """All boxes, and in words what is not true."""

    boxes: tuple[BoxOnPage, ...]
    html: str
    wrong: tuple[str, ...]


def look_at_fleet(
    district: District, linked: Clinic, remote: Clinic, last_export: tuple[datetime, datetime], login: str
) -> FleetPage:
    """Have the page made, open it as a reader with that `login`, and compare it with what the boxes themselves say.
    `last_export`: when that of the box without a link began and ended.
    """
    district.do("systemctl", "start", FLEET_SERVICE)
    status, html = district.curl("--user", login, SHOWN)
    assert status == 200, html
    said = json.loads(district.do("leapfrog", "fleet", "--out", "/run/fleet", "--json"))
    boxes = {one["box"]: _box(one) for one in said["boxes"] if one["state"] is not None}
    metrics = district.path(MADE).read_text()
    wrong = [f"on the fleet's page: {problem}" for problem in said["problems"]]
    wrong += [f"the fleet's page names a strange file {one['file']}" for one in said["strangers"]]
    wrong += [f"the fleet's page does not believe {one['box']}" for one in said["boxes"] if not one["trusted"]]
    for clinic, by_stick in ((linked, False), (remote, True)):
        box = boxes.get(clinic.name)
        wrong += _what_is_wrong(box, clinic, by_stick) if box else [f"the fleet's page has no {clinic.name}"]
        if not re.search(rf">{clinic.name}(\s|<[^>]*>)*well<", html):
            wrong.append(f"{clinic.name} is not to be seen on the fleet's page, or is not well")
        if not re.search(rf'^leapfrog_fleet_box_owed_objects\{{box="{clinic.name}"\}} 0$', metrics, re.MULTILINE):
            wrong.append(f"Prometheus is not told that {clinic.name} owes nothing")
    if (told := boxes.get(remote.name)) and not last_export[0] <= told.made_at <= last_export[1]:
        wrong.append(f"the fleet's page says of {remote.name} what it said at {told.made_at}, not with its last stick")
    return FleetPage(tuple(boxes.values()), html, tuple(wrong))


def _box(said: Mapping[str, Any]) -> BoxOnPage:
    state = said["state"]
    return BoxOnPage(
        said["box"],
        said["by_stick"],
        datetime.fromisoformat(said["made_at"]),
        sum(one["count"] for one in state["owed"].values()),
        state["device"]["what"],
        state["version"],
        {model["name"]: model["version"] for model in state["models"]},
    )


def _what_is_wrong(box: BoxOnPage, clinic: Clinic, by_stick: bool) -> Sequence[str]:
    models = {one["name"]: one["version"] for one in clinic.kiosk.command_json("models", "list")}
    pairs = (
        ("how it was heard", box.by_stick, by_stick),
        ("what it owes", box.owed, 0),
        ("its device", box.device, DEVICE),
        ("its version", box.version, leapfrog.__version__),
        ("its models", dict(box.models), models),
    )
    return [f"the fleet's page has {what} of {box.name} wrong: {said!r}" for what, said, true in pairs if said != true]
