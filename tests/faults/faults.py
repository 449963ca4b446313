"""Every other fault, each in a box of its own: it is at work, the fault comes, lasts for a while, and is mended."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

from faults.audit import Audit
from faults.each import district, folder, images, reports, state
from faults.each.fault import Fault, Scene
from faults.order import Order, row_of
from faults.site import Folders, Site
from faults.table import Row, Table
from support.disk_image import DiskImage
from support.failing_calls import FailingCalls
from support.process_clock import ProcessClock

NAME = "faults"
FAULTS: tuple[Fault, ...] = (*state.FAULTS, *reports.FAULTS, *folder.FAULTS, *images.FAULTS, *district.FAULTS)
DISK_MEBIBYTES = 24
MOST_SAID = 2  # of the sentences of `status`, in a remark


def run(order: Order) -> Table:
    """Each of them once; with a number, the first so many."""
    wanted = [fault for fault in FAULTS if order.wants(fault.name)][: order.count]
    table = order.table(NAME, f"{len(wanted)} of {len(FAULTS)} faults")
    with ThreadPoolExecutor(order.at_once) as pool:
        table.rows.extend(pool.map(lambda fault: _row_of(fault, order), wanted))
    return table


def _row_of(fault: Fault, order: Order) -> Row:
    try:
        row = _bring_about(fault, order)
    except Exception as problem:  # the others are still to be seen
        row = Row(fault.name, 1, 0, 0, 0, 0, float("inf"), finished=False, remarks=(_in_a_line(problem),))
    order.progress.say(
        f"{fault.name}: {'as promised' if row.as_promised(order.normal_seconds) else 'NOT as promised'}"
        f" (lost {row.lost}, doubled {row.doubled}, unread {row.unread}, {row.seconds:.1f} s, ended {row.ended})"
    )
    return row


def _in_a_line(problem: Exception) -> str:
    return f"{type(problem).__name__}: {str(problem)[:200]}".replace("\n", " ")


def _bring_about(fault: Fault, order: Order) -> Row:
    with order.folder() as directory, ExitStack() as things:
        folders = Folders.below(directory)
        if fault.inbox_apart:
            folders = replace(folders, inbox=directory / "shares" / "inbox")
        disks = {
            name: things.enter_context(DiskImage(directory / f"{name}.img", directory / name, DISK_MEBIBYTES))
            for name in fault.disks
        }
        calls = things.enter_context(FailingCalls(directory, folders.all)) if fault.calls else None
        clock = ProcessClock(directory, synchronised=True) if fault.clock else None
        preloaded = calls or clock
        site = things.enter_context(Site(directory, folders, settings=fault.settings))
        if preloaded is not None:
            site.environment = lambda: preloaded.environment
        site.kiosk.wrapper = fault.wrapper
        return _seen(fault, Scene(site, directory, disks, calls, clock))


def _seen(fault: Fault, scene: Scene) -> Row:
    site = scene.site
    site.start()
    site.work(2, 1)
    site.settle()  # these are confirmed
    scene.district_away()
    site.work(2, 1)  # and these are owed
    site.senders.wait(60)
    during = 0.0
    with fault.bring(scene):
        began, outages = time.monotonic(), len(site.outages)
        if fault.receives:
            during = site.seconds_until_normal()
        site.senders.store(site.films.new(2))
        if fault.drops:
            site.senders.drop(site.films.new(1))
        time.sleep(max(0.0, fault.seconds - (time.monotonic() - began)))
        said = _said(site)
    mended = time.monotonic()
    after = site.seconds_until_normal(mended)
    scene.district_back()
    site.work(1, 1)
    verdict = Audit(site).verdict()
    verdict = replace(verdict, lost=verdict.lost | scene.gone, finished=verdict.finished and not scene.broken)
    seconds = max(during, after, site.worst_outage(outages, mended if not fault.receives else 0.0))
    tracebacks = site.kiosk.log().count("Traceback (most recent call last)")
    remarks = [f"broken promise: {promise}" for promise in scene.broken] + scene.remarks
    remarks += [f"{len(scene.gone)} films were deleted"] if scene.gone else []
    remarks += [f"{tracebacks} tracebacks in the log"] if tracebacks else []
    row = row_of(fault.name, 1, len(site.senders.films), verdict, seconds, len(site.ends), *remarks, said)
    site.halt()
    for action in scene.at_the_end:
        action()
    return replace(row, may_end=fault.may_end)


def _said(site: Site) -> str:
    """What `leapfrog status` calls a person's attention to while the fault lasts."""
    status = site.status()
    if not status:
        return "status did not answer"
    sentences = [each if isinstance(each, str) else str(each.get("what", "")) for each in status["attention"]]
    told = " / ".join(sentences[:MOST_SAID]).replace(str(site.kiosk.directory), "...")
    return f"status said: {told or 'nothing'}"
