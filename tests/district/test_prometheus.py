"""What a district's Prometheus makes of its boxes: every query of alert rules and dashboard is run on Debian's
Prometheus, which reads what `leapfrog fleet` wrote; and alerts sound when they should, and only then.

Grafana itself is not in Debian 12: its dashboard is looked at for what Grafana requires of one, and not loaded.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import IO, Any

import pytest

from support.made_up_fleet import MadeUpFleet
from support.prometheus import CONFIGURATION, Prometheus, why_no_prometheus
from support.waiting import wait_until

DASHBOARD = CONFIGURATION.parent / "grafana" / "leapfrog-fleet.json"
ALERTS = Path(__file__).with_name("alerts.yml")
BY_ALERT = {
    "LeapfrogBoxSilent": {"silent"},
    "LeapfrogBoxNeverHeard": {"never"},
    "LeapfrogBoxVanished": {"gone"},
    "LeapfrogBoxNotTrusted": {"forged"},
    "LeapfrogBoxDiskLow": {"low"},
    "LeapfrogBoxDiskFull": {"full"},
    "LeapfrogBoxCertificateEndsSoon": {"ending-soon"},
    "LeapfrogBoxCertificateEnds": {"ending"},
    "LeapfrogBoxOwesTooLong": {"owing"},
    "LeapfrogBoxOwesFarTooLong": {"owing-long"},
    "LeapfrogBoxClockWrong": {"fast"},
    "LeapfrogBoxDiffers": {"differing"},
    "LeapfrogBoxDrift": {"drifting"},
    "LeapfrogBoxModelsDiffer": {"old-model"},
    "LeapfrogBoxAsksForSomebody": {"asking"},
    "LeapfrogBoxCannotWait": {"refusing"},
    "LeapfrogUnknownFile": {""},
    # These speak of what went before, or of the district itself: below, and in alerts.yml.
    "LeapfrogBoxNotKnownAnyMore": set(),
    "LeapfrogFleetNotLookedAt": set(),
    "LeapfrogFleetProblem": set(),
}

pytestmark = pytest.mark.skipif(bool(why_no_prometheus()), reason=why_no_prometheus())


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> MadeUpFleet:
    made = MadeUpFleet(tmp_path_factory.mktemp("fleet"))
    made.trouble()
    made.look()
    return made


@pytest.fixture(scope="module")
def prometheus(fleet: MadeUpFleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with Prometheus(tmp_path_factory.mktemp("prometheus"), fleet.out) as running:
        wait_until(lambda: running.query("leapfrog_fleet_boxes"), "the boxes are read")
        wait_until(lambda: running.query('ALERTS{alertstate="firing"}'), "the rules are evaluated")
        yield running


@pytest.fixture(scope="module")
def dashboard() -> Any:
    return json.loads(DASHBOARD.read_text())


def promtool(*arguments: str, stdin: IO[str] | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["promtool", *arguments], check=False, stdin=stdin, capture_output=True, text=True)


def panels(dashboard: Any) -> list[Any]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("boxes", ["none", "many"])
def test_promtool_finds_nothing_to_say_of_the_textfile(boxes: str, fleet: MadeUpFleet, tmp_path: Path) -> None:
    looked_at = fleet if boxes == "many" else MadeUpFleet(tmp_path / "fleet")
    looked_at.look()
    with (looked_at.out / "leapfrog_fleet.prom").open() as textfile:
        done = promtool("check", "metrics", stdin=textfile)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_node_exporter_reads_the_textfile(prometheus: Prometheus) -> None:
    (sample,) = prometheus.query("node_textfile_scrape_error")
    assert sample["value"][1] == "0"


def test_each_alert_names_the_boxes_that_it_is_for(prometheus: Prometheus) -> None:
    rules = prometheus.alert_rules()
    assert {name: prometheus.boxes(expression) for name, expression in rules.items()} == BY_ALERT


def test_the_page_names_the_same_boxes(fleet: MadeUpFleet) -> None:
    of_boxes = set().union(*BY_ALERT.values()) - {""}
    assert {one.box.name for one in fleet.look().fleet.boxes if one.urgency} == of_boxes


def test_the_page_and_the_alerts_say_alike_for_whom_it_cannot_wait(fleet: MadeUpFleet) -> None:
    rules = (CONFIGURATION / "leapfrog.rules.yml").read_text()
    by_urgency: dict[str, set[str]] = {"now": set(), "soon": set()}
    for name, urgency in re.findall(r"(?s)- alert: (\w+)\n.*?urgency: (\w+)", rules):
        by_urgency[urgency] |= BY_ALERT[name] - {""}
    found = fleet.look().fleet
    assert {one.box.name for one in found.needing("now")} == by_urgency["now"]
    assert {one.box.name for one in found.needing("soon")} == by_urgency["soon"]


def test_every_query_of_the_dashboard_gives_data(prometheus: Prometheus, dashboard: Any) -> None:
    for panel in panels(dashboard):
        for target in panel["targets"]:
            assert prometheus.query(target["expr"].replace("$box", ".*")), (panel["title"], target["expr"])


def test_a_box_whose_key_is_removed_is_not_forgotten_without_a_word(fleet: MadeUpFleet, prometheus: Prometheus) -> None:
    (fleet.stations / "well.pem").unlink()
    (fleet.boxes / "well.json").unlink()
    (fleet.out / "seen.json").write_text("{")  # and the memory is damaged meanwhile
    fleet.look()
    rules = prometheus.alert_rules()
    wait_until(lambda: prometheus.boxes(rules["LeapfrogBoxNotKnownAnyMore"]) == {"well"}, "it is missed")
    assert prometheus.query(rules["LeapfrogFleetProblem"])


def test_alerts_sound_when_they_should_and_only_then() -> None:
    done = promtool("test", "rules", str(ALERTS))
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_tried_both_ways() -> None:
    """A rule without a test of its own would not be noticed: each name stands in the tests, once with an alert."""
    said = ALERTS.read_text()
    for name in BY_ALERT:
        tried = said.split(f"alertname: {name}\n")[1:]
        assert any(one.partition("- eval_time")[0].count("exp_labels") for one in tried), f"{name} never fires"
        assert any("exp_alerts: []" in one.partition("- eval_time")[0] for one in tried), f"{name} is never silent"


def test_the_dashboard_is_laid_out_as_grafana_wants_it(dashboard: Any) -> None:
    assert isinstance(dashboard["schemaVersion"], int)
    assert (dashboard["uid"], dashboard.get("id")) == ("leapfrog-fleet", None)
    identifiers = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(identifiers)) == len(identifiers)
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] >= 0 and place["w"] > 0 and place["h"] > 0 and place["x"] + place["w"] <= 24, panel["title"]
    for one, other in combinations(dashboard["panels"], 2):
        assert not overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])


def test_the_dashboard_asks_whichever_prometheus_is_chosen(dashboard: Any) -> None:
    variables = {one["name"]: one for one in dashboard["templating"]["list"]}
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    assert variables["box"]["datasource"] == chosen
    for panel in panels(dashboard):
        assert panel["datasource"] == chosen
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)
        assert all(target["datasource"] == chosen for target in panel["targets"])


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )


def test_the_configuration_is_one_that_prometheus_takes() -> None:
    done = promtool("check", "config", str(CONFIGURATION / "prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
