"""The page of all boxes of a district, without scripts: who needs somebody, with what, since when, and what to do; then
every box in a line.
"""

from datetime import datetime
from pathlib import Path

from leapfrog.commands.fleet.drift import RULE
from leapfrog.commands.fleet.fleet import Fleet
from leapfrog.commands.fleet.lines import COLUMNS, Line, ago, box_name, line_of, local, since
from leapfrog.commands.fleet.needs import STRANGER_TO_DO
from leapfrog.web_page import content_security_policy, environment, inline
from leapfrog.wording.text import clean

TEMPLATES = Path(__file__).with_name("templates")
RELOAD_SECONDS = 120
MOST_NEEDS = 10  # of one box that are shown
MOST_MODELS = 20


def render_fleet(fleet: Fleet) -> str:
    """The page, whole in one file."""
    template = environment(TEMPLATES).get_template("fleet.html")
    return template.render(
        fleet=fleet,
        made_at=local(fleet.made_at),
        zone=zone(fleet.made_at),
        headline=headline(fleet),
        lines=lines(fleet),
        columns=COLUMNS,
        local=local,
        since=since,
        ago=lambda moment: ago(moment, fleet.made_at),
        clean=clean,
        name=box_name,
        most_needs=MOST_NEEDS,
        most_models=MOST_MODELS,
        stranger_to_do=STRANGER_TO_DO,
        rule=RULE,
        reload_seconds=RELOAD_SECONDS,
        policy=content_security_policy(),
        style=inline(TEMPLATES / "fleet.css"),
    )


def lines(fleet: Fleet) -> list[Line]:
    """A line for each box, in the order of the page."""
    return [line_of(box, fleet.usual, fleet.made_at) for box in fleet.boxes]


def headline(fleet: Fleet) -> str:
    """All in one sentence: `1 of 12 boxes needs somebody now, 2 need somebody this week.`"""
    if not fleet.boxes:
        return "No box is known here."
    now, soon, well = (len(fleet.needing(one)) for one in ("now", "soon", None))
    if not now and not soon:
        return _all_well(fleet, well)
    numbers = ((now, "today"), (soon, "this week"))
    said = ", ".join(f"{number:,} {_need(number)} somebody {when}" for number, when in numbers if number)
    total = len(fleet.boxes)
    return f"Of {total:,} box{'' if total == 1 else 'es'}, {said}."


def _all_well(fleet: Fleet, well: int) -> str:
    """What is said where no box needs anybody, as far as is known here."""
    if fleet.problems:
        return "Whether all boxes are well is not known: something hindered the look at them."
    if awaited := sum(one.box.heard is None for one in fleet.boxes):
        if well == 1:
            return "The box was not heard of yet."
        others = "; the others are well" if awaited < well else ""
        return f"{awaited:,} of {well:,} boxes {'was' if awaited == 1 else 'were'} not heard of yet{others}."
    return "The box is well." if well == 1 else f"All {well:,} boxes are well."


def zone(moment: datetime) -> str:
    """In which time the page speaks: `UTC+03:00`."""
    offset = f"{moment.astimezone():%z}"
    return f"UTC{offset[:3]}:{offset[3:5]}" if offset.strip("+-0") else "UTC"


def _need(number: int) -> str:
    return "needs" if number == 1 else "need"
