"""Chaos between a box at work and its district: every third exchange fails in one way or another, for minutes."""

import time
from dataclasses import replace
from functools import partial

from faults.audit import Audit
from faults.order import Order, row_of
from faults.site import Site
from faults.table import Row, Table
from leapfrog.errors import LeapfrogError
from support.chaos_proxy import ChaosProxy

NAME = "chaos"
DOSE = 20.0  # minutes
SHARE = 0.35  # of the exchanges that something befalls
BACKLOG = 12  # what waits to be sent at a time
FILM_SECONDS = 0.5  # from one film to the next, while the backlog is small
PROBE_SECONDS = 5.0
SYNC_SECONDS = 1.0  # somebody asks for the next try, since the box itself waits for minutes after failures
STILL_SECONDS = 400.0  # what hangs when calm comes is given up only after minutes
KILL_SECONDS = 60.0
DOWN_SECONDS = 45.0
# A delivery takes three requests when all goes well, and a film has two or three. With a third of them failing it takes
# about ten each; more than that is a busy loop.
MOST_REQUESTS_A_FILM = 120


def run(order: Order) -> Table:
    """So many minutes of chaos, with films all the while; then calm, until everything has arrived."""
    minutes = order.minutes or DOSE
    table = order.table(NAME, f"{minutes:g} minutes")
    with (
        order.folder() as directory,
        Site(directory, restart_seconds=0, proxy=partial(ChaosProxy, seed=order.seed, share=0.0)) as site,
    ):
        assert isinstance(site.proxy, ChaosProxy)
        site.start()
        table.rows.append(_reign(site, site.proxy, minutes, order))
    return table


def _reign(site: Site, proxy: ChaosProxy, minutes: float, order: Order) -> Row:
    chance, worst, kills = order.random(), 0.0, 0
    began = time.monotonic()
    due = {"film": began, "probe": began, "sync": began, "kill": began + KILL_SECONDS, "down": began + DOWN_SECONDS}
    proxy.share = SHARE
    while (now := time.monotonic()) - began < minutes * 60:
        if now >= due["film"]:
            due["film"] = now + FILM_SECONDS
            _feed(site)
        if now >= due["sync"]:
            due["sync"] = now + SYNC_SECONDS
            site.sync()
        if now >= due["probe"]:
            due["probe"] = now + PROBE_SECONDS
            worst = max(worst, site.seconds_until_normal())
            order.progress.say(f"{len(site.senders.films)} films, {sum(proxy.befallen.values())} mishaps")
        if now >= due["down"]:
            due["down"] = now + DOWN_SECONDS
            proxy.down()
            time.sleep(chance.uniform(0.1, 2.0))
            proxy.up()
        if now >= due["kill"]:
            due["kill"] = now + KILL_SECONDS
            kills += 1
            site.kiosk.process.kill()
        time.sleep(0.1)
    requests, films = len(proxy.exchanges), len(site.senders.films)
    proxy.share = 0.0
    worst = max(worst, site.seconds_until_normal())
    _try_refused_again(site)
    verdict = Audit(site).verdict(STILL_SECONDS)
    busy = requests > MOST_REQUESTS_A_FILM * films
    remarks = [f"{requests} requests, {sum(proxy.befallen.values())} mishaps, {kills} kills"]
    remarks += ["that is a busy loop"] if busy else []
    row = row_of("chaos", 1, len(site.senders.films), verdict, worst, len(site.ends), *remarks)
    return replace(row, finished=row.finished and not busy, may_end=False)


def _feed(site: Site) -> None:
    """Another film, by network or by the folder in turn, unless much waits already."""
    status = site.status()
    if not status or status["deliveries"]["waiting"] >= BACKLOG:
        _try_refused_again(site)
        return
    by_network = len(site.senders.films) % 3 != 0
    site.work(int(by_network), int(not by_network))


def _try_refused_again(site: Site) -> None:
    """What a person does with what the district refused for no good reason."""
    refused = [str(each) for (each,) in site.kiosk.rows("SELECT id FROM deliveries WHERE state = 'refused'")]
    if refused:
        try:
            site.kiosk.ask("retry", ids=refused)
        except (LeapfrogError, OSError):
            return
