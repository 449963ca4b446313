"""What a box needs of somebody: what is wrong, since when, and what to do.

Each rule has its bound below, and the alert rules for Prometheus (config/district/prometheus) have the same ones.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from leapfrog.commands.fleet.box import CLOCK_TOLERANCE, Box, DistrustKind, Heard, in_utc
from leapfrog.commands.fleet.drift import RECENT_WEEKS, Drift, drifts
from leapfrog.commands.fleet.models import Differing
from leapfrog.fleet.box_state import Certificate, Disk
from leapfrog.wording.text import byte_size, clean, span

SILENT = timedelta(hours=26)  # a box that reports once a night does so at a slightly other minute
SILENT_BY_STICK = timedelta(days=14)
LOG_CUT_TOLD = timedelta(days=28)  # so long a log that lacks lines is told
OWED_LONG = timedelta(days=3)
OWED_LONG_BY_STICK = timedelta(days=30)
OWED_TOO_LONG = timedelta(days=14)
DISK_LOW, DISK_FULL = 0.10, 0.05  # of which is free
CERTIFICATE_SOON, CERTIFICATE_NOW = timedelta(days=30), timedelta(days=7)
COMPARED = timedelta(weeks=RECENT_WEEKS + 1)  # the week that still runs is not compared
QUIET_DAYS = 3  # without any exam, at a box that had FEWEST_EXAMS on most of the days before
FEWEST_EXAMS = 20

# "now": today, or exams are not read, not sent or lost. "soon": this week.
Urgency = Literal["now", "soon"]
URGENCIES: tuple[Urgency, ...] = ("now", "soon")


@dataclass(frozen=True)
class Need:
    """Something that a person should do: `since` when, None where nobody knows."""

    urgency: Urgency
    what: str
    do: str
    since: datetime | None = None


@dataclass(frozen=True)
class BoxInNeed:
    """A box with all that it needs, and what of it has drifted."""

    box: Box
    needs: tuple[Need, ...]
    drifted: tuple[Drift, ...] = ()

    @property
    def urgency(self) -> Urgency | None:
        """That of its most urgent need; None if it needs nobody."""
        return next((one for one in URGENCIES if any(need.urgency == one for need in self.needs)), None)


TO_DO: Mapping[DistrustKind, str] = {
    "unreadable": "See that this box sends again: leapfrog sync, there. If it stays so, its disk or the way"
    " here damages it.",
    "forged": "Ask the clinic. If the box was set up anew, put its new key here: leapfrog station key, there;"
    " district-authority station, here. If not, somebody has its certificate: district-authority revoke.",
    "other": "Ask who has the certificates of the two boxes: one was copied, or a file was put here by hand.",
    "older": "The next sync mends it; if the box was restored from a backup, once its clock is right. If it happens"
    " again, and nothing was restored there, somebody puts old states here: district-authority revoke.",
    "doubled": "One was made of the other's backup. Give the copy a new key: move station/key.pem away, there, then"
    " leapfrog station key --new and restart.",
    "future": "Have the box's clock set: timedatectl set-ntp true, there. Nothing that it says is believed until then.",
}
STRANGER_TO_DO: Mapping[DistrustKind, str] = {
    "unreadable": "See who put it there, and remove it.",
    "other": "See who put it there, and remove it: each box's state has the box's own name.",
    "unknown": "If it is a new box of this district, put its key here: leapfrog station key, there; district-authority"
    " station, here. If it was taken back or renamed, or nobody knows it, remove the file.",
}


def in_need(box: Box, differing: Iterable[Differing], now: datetime) -> BoxInNeed:
    """All that `box` needs at `now`, the most urgent first."""
    drifted = drifts(box.heard.state.weeks, box.heard.told_on) if box.heard else ()
    needs = [*_trust(box), *_silence(box, now)]
    if (heard := box.heard) is not None:
        needs += [*_disks(heard), *_certificates(heard, box.name, now), *_owed(heard), *_clock(heard)]
        needs += [*_quiet(heard), *(_drift(one, heard) for one in drifted), *_log(heard, now), *_attention(heard)]
        needs += [_different(one) for one in differing]
    needs.sort(key=lambda need: URGENCIES.index(need.urgency))
    return BoxInNeed(box, tuple(needs), drifted)


def _trust(box: Box) -> Iterable[Need]:
    if box.key_problem:
        yield Need("now", box.key_problem, "leapfrog station key, there; district-authority station, here.")
    elif box.distrust is not None:
        yield Need("now", box.distrust.why, TO_DO[box.distrust.kind], box.distrust.since)
    elif box.missing and box.heard is not None:
        yield Need(
            "now",
            "Its state is gone from the folder: somebody removed it.",
            "The next sync brings it again. If the box was given up, remove its key here.",
            box.heard.arrived_at,
        )


def _silence(box: Box, now: datetime) -> Iterable[Need]:
    if (heard := box.heard) is None:
        if not box.key_problem and box.distrust is None and now - box.known_since > SILENT:
            yield Need(
                "soon",
                "It was never heard of.",
                "Set fleet.url in its settings, or have a stick brought: config/fleet.md.",
                box.known_since,
            )
        return
    if is_silent(heard, now):
        silent = now - heard.arrived_at
        do = "Ask the courier for a stick." if heard.by_stick else "Call the clinic: is the box on, is there a link?"
        yield Need("now", f"Nothing was heard of it for {span(silent.total_seconds())}.", do, heard.arrived_at)


def _log(heard: Heard, now: datetime) -> Iterable[Need]:
    if heard.log_cut_at is not None and now - heard.log_cut_at < LOG_CUT_TOLD:
        yield Need(
            "soon",
            "Its log of who did what lacks lines that it had.",
            "Ask whether the box was restored from a backup; if not, who removed them: leapfrog actions, there.",
            heard.log_cut_at,
        )


def percent(share: float) -> str:
    """`4 %`."""
    return f"{share:.0%}".replace("%", "\N{NO-BREAK SPACE}%")


def is_silent(heard: Heard, now: datetime) -> bool:
    """Whether nothing was heard of it for too long; a courier comes less often than a link."""
    return now - heard.arrived_at > (SILENT_BY_STICK if heard.by_stick else SILENT)


def free_share(disk: Disk) -> float:
    """How much of a disk is free, from 0 to 1."""
    return min(1.0, disk.free_bytes / disk.total_bytes) if disk.total_bytes else 0.0


def _disks(heard: Heard) -> Iterable[Need]:
    for disk in heard.state.disks:
        share = free_share(disk)
        if share < DISK_LOW:
            yield Need(
                "now" if share < DISK_FULL else "soon",
                f"The disk “{clean(disk.what)}” has {byte_size(disk.free_bytes)} left ({percent(share)} of it).",
                "See in leapfrog status, there, what waits to be sent; a larger disk if that is all.",
            )


def _certificates(heard: Heard, name: str, now: datetime) -> Iterable[Need]:
    for certificate in heard.state.certificates:
        left = in_utc(certificate.ends_at) - now
        if left < CERTIFICATE_SOON:
            yield Need(
                "now" if left < CERTIFICATE_NOW else "soon",
                f"The certificate {clean(certificate.what)} {_ends(left)}.",
                _renewal(certificate, name),
            )


def _ends(left: timedelta) -> str:
    said = span(abs(left.total_seconds())) or "a moment"
    return f"ended {said} ago" if left < timedelta(0) else f"ends in {said}"


def _renewal(certificate: Certificate, name: str) -> str:
    if certificate.what.startswith("dicom."):
        return "Make a new one for the box's receiver, and tell the modalities if they know the old one."
    return f"district-authority renew {clean(name)}, here; then bring the files to the box."


def oldest_owed(heard: Heard) -> timedelta:
    """For how long the oldest of what is owed had waited when the box told it."""
    return timedelta(seconds=min(10**9, max((one.oldest_seconds or 0 for one in heard.state.owed.values()), default=0)))


def is_owed_long(heard: Heard) -> bool:
    """Whether something has waited for too long to be sent, or for the receipt of a stick."""
    return oldest_owed(heard) > (OWED_LONG_BY_STICK if heard.by_stick else OWED_LONG)


def _owed(heard: Heard) -> Iterable[Need]:
    if not is_owed_long(heard):
        return
    oldest = oldest_owed(heard)
    count = sum(one.count for one in heard.state.owed.values())
    yield Need(
        "now" if oldest > OWED_TOO_LONG and not heard.by_stick else "soon",
        f"It still has {count:,} objects to send, the oldest for {span(oldest.total_seconds())}.",
        "leapfrog status, there, says what hinders it: the link, or a server that refuses. Or have a stick brought.",
        in_utc(heard.made_at - oldest),
    )


def _clock(heard: Heard) -> Iterable[Need]:
    do = "timedatectl, there: is the time set over the network? Without a link, set it by hand."
    if heard.ahead > CLOCK_TOLERANCE:
        said = span(heard.ahead.total_seconds())
        yield Need("soon", f"Its clock is {said} ahead: its exams have the wrong time.", do, heard.arrived_at)
    elif heard.behind > CLOCK_TOLERANCE:
        said = span(heard.behind.total_seconds())
        yield Need("soon", f"Its clock is {said} behind: its exams have the wrong time.", do, heard.arrived_at)


def _quiet(heard: Heard) -> Iterable[Need]:
    over = heard.exams_on_full_days
    had, lately = over[:-QUIET_DAYS], over[-QUIET_DAYS:]
    if len(lately) < QUIET_DAYS or any(lately):
        return
    if sum(had) >= FEWEST_EXAMS and sum(count > 0 for count in had) * 4 >= 3 * len(had):
        yield Need(
            "soon",
            f"It had no exam on the last {QUIET_DAYS} days, and {sum(had) / len(had):.0f} a day before.",
            "Ask the clinic: is it closed, or does the modality send to the box no more?",
        )


MEASURED = {
    "urgent": "urgent exams",
    "not_assessed": "exams that were not assessed",
    "differing": "answers that differ from what the box found",
}
DRIFT_TO_DO = {
    "urgent": "Ask whether other patients come, or the modality was changed; look at some exams with the radiologist.",
    "not_assessed": "leapfrog instances, there, says why: often it is how the modality makes or labels its pictures.",
    "differing": "Have the radiologist look at these exams. Until it is clear, tell the clinic not to rely on the box.",
}


def _drift(drift: Drift, heard: Heard) -> Need:
    now, before = drift.now, drift.before
    what = (
        f"{'More' if drift.more else 'Fewer'} {MEASURED[drift.measure]} than before: {percent(now.share)}"
        f" ({now.events:,} of {now.of:,}), before {percent(before.share)} ({before.events:,} of {before.of:,})."
    )
    since = datetime.combine(drift.since, datetime.min.time()).astimezone()
    urgency: Urgency = "now" if drift.measure == "differing" else "soon"
    return Need(urgency, what, f"{_new_bundle(drift, heard)}{DRIFT_TO_DO[drift.measure]}", since)


def _new_bundle(drift: Drift, heard: Heard) -> str:
    """Which bundle may have changed it: one that came in the weeks that are compared with those before."""
    bundle = heard.state.bundle
    if bundle is None or bundle.since is None or heard.told_on - bundle.since.date() > COMPARED:
        return ""
    since = f"{in_utc(bundle.since):%Y-%m-%d}"
    return f"It has used the district's bundle {bundle.number} since {since}: see what that changed. "


def _different(one: Differing) -> Need:
    return Need(
        "soon",
        f"It has {clean(one.name)} {clean(one.version)}; most others have {clean(one.usual)}.",
        "Have it take the district's bundle, or see why it does not: config/bundles.md.",
    )


def _attention(heard: Heard) -> Iterable[Need]:
    for one in heard.state.attention:
        since = in_utc(one.since) if one.since else None
        urgency: Urgency = "now" if one.cannot_wait else "soon"
        yield Need(urgency, f"It says: {clean(one.what)}", "leapfrog status, there, says what to do.", since)
