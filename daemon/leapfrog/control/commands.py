"""The commands `status`, `instances`, `deliveries`, `retry`, `reread`, `dismiss`, `print` and `sync`, and what others
ask: `box_state`, `copy_journal` and `still_named`.

The daemon runs them. When no daemon is running, the command line does (asking.py).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Any

from leapfrog.bundle_state import change_state, read_state
from leapfrog.control.arguments import (
    LISTED,
    DeliveriesAsked,
    DismissAsked,
    ExamAsked,
    ForgetAsked,
    IdsAsked,
    InstancesAsked,
    NamesAsked,
    Nothing,
    PrintAsked,
    RereadAsked,
    StatusAsked,
    SyncAsked,
    handler,
)
from leapfrog.control.bundle_report import bundle_report
from leapfrog.control.control_socket import Handler
from leapfrog.control.exam_argument import numbered_exam
from leapfrog.control.exam_contents import contents_of
from leapfrog.control.forgetting import Forgetting
from leapfrog.control.status import StatusSource
from leapfrog.control.stick_desk import StickDesk
from leapfrog.errors import UsageError
from leapfrog.language.sentence import only_english
from leapfrog.printing.named_printer import look_at
from leapfrog.settings import PageSize
from leapfrog.state.commitments import Commitments
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal, new_id
from leapfrog.state.prints import NewPrint, Prints
from leapfrog.state.records import DELIVERY_STATES, INSTANCE_STATES
from leapfrog.state.spool import Spool
from leapfrog.state.spooled_files import SpooledFiles
from leapfrog.state.studies import Studies
from leapfrog.wording import print_words

# The fields of an instance in `leapfrog instances --json`.
INSTANCE_FIELDS = (
    "id", "exam_number", "state", "reason", "sop_instance_uid", "study_key", "source", "received_at", "attempts",
)  # fmt: skip
# The fields of a delivery in `leapfrog deliveries --json`.
DELIVERY_FIELDS = (
    "id", "exam_number", "kind", "destination", "state", "last_error", "study_key", "instance_id", "sop_instance_uid",
    "byte_count", "urgent", "attempts",
)  # fmt: skip
COPY_NAME = "journal.copy.sqlite"  # in the state directory, while a backup is written
REPORT_SUFFIXES = (".html", ".pdf", ".json")


class Commands:
    """The commands on one open journal."""

    def __init__(
        self,
        *,
        journal: Journal,
        deliveries: Deliveries,
        source: StatusSource,
        wake: Callable[[], None],
        sync: Callable[[str | None], None],
        spool: Spool,
        render_again: Callable[[str], None] = lambda _study_key: None,
        sheet_wanted: Callable[[], None] = lambda: None,
        on_forgotten: Callable[[], None] = lambda: None,
        exam_is_gone: Callable[[str], None] = lambda _number: None,
        knows_all_images: Callable[[], bool] = lambda: True,
        look_at_bundles: Callable[[], None] = lambda: None,
        box_state: Callable[[], bytes] = bytes,
    ) -> None:
        """`wake` is called when instances or deliveries wait again, `sync` to send everything that is owed to one
        destination, or to all (None), now,
        `render_again` with a study's key when its report is to be made again, `sheet_wanted` when a sheet is to be,
        `on_forgotten` when a report is to be taken away, `exam_is_gone` with the number of an exam that was forgotten.
        `knows_all_images`: whether each that is in the spool is in the journal too.
        `box_state` signs what this box says of itself.
        """
        self._journal = journal
        self._instances = Instances(journal)
        self._deliveries = deliveries
        self._commitments = Commitments(journal)
        self._files = SpooledFiles(journal)
        self._studies = Studies(journal)
        self._source = source
        self._wake = wake
        self._sync = sync
        self._spool = spool
        self._box_state = box_state
        self._render_again = render_again
        self._sheet_wanted = sheet_wanted
        self._look_at_bundles = look_at_bundles
        self._prints = Prints(journal)
        self._sticks = StickDesk(journal, lambda: source.settings, wake)
        self._forgetting = Forgetting(
            journal, spool, self._exam_key, render_again, on_forgotten, exam_is_gone, knows_all_images
        )

    def handlers(self) -> dict[str, Handler]:
        """Each command by its name on the control socket, for whatever arguments come."""
        return {
            "status": handler(StatusAsked, self.status),
            "instances": handler(InstancesAsked, self.instances),
            "deliveries": handler(DeliveriesAsked, self.deliveries),
            "retry": handler(IdsAsked, self.retry),
            "reread": handler(RereadAsked, self.reread),
            "dismiss": handler(DismissAsked, self.dismiss),
            "sync": handler(SyncAsked, self.sync),
            "print": handler(PrintAsked, self.print_exam),
            "box_state": handler(Nothing, self.box_state),
            "copy_journal": handler(Nothing, self.copy_journal),
            "still_named": handler(NamesAsked, self.still_named),
            **self._sticks.handlers(),
            "exam_contents": handler(ExamAsked, self.exam_contents),
            "holdings": handler(ExamAsked, self._forgetting.holdings),
            "forget": handler(ForgetAsked, self._forgetting.forget),
            "look_at_bundles": handler(Nothing, self.look_at_bundles),
            "rollback_bundle": handler(Nothing, self.rollback_bundle),
        }

    def status(self, limit: int | None = None) -> dict[str, Any]:
        """In the shape of `leapfrog status --json`."""
        status = self._source.status() if limit is None else self._source.status(limit)
        return only_english(status.model_dump(mode="json"))

    def instances(
        self, state: str | None = None, limit: int = LISTED, file_problems: bool = False, exam: str | None = None
    ) -> list[dict[str, Any]]:
        """Newest first, in the shape of `leapfrog instances --json`; see `_cut` for what ends a list that was cut.

        Raises UsageError for an unknown state or exam.
        """
        if state is not None and state not in INSTANCE_STATES:
            raise UsageError(f"There is no state {state!r}. Use one of: {', '.join(INSTANCE_STATES)}.")
        key = None if exam is None else self._exam_key(exam)
        found = self._instances.listed(state, limit, only_file_problems=file_problems, study_key=key)
        rows = [{name: getattr(record, name) for name in INSTANCE_FIELDS} for record in found]
        return _cut(rows, self._instances.count(state, only_file_problems=file_problems, study_key=key))

    def deliveries(
        self, state: str | None = None, limit: int = LISTED, destination: str | None = None
    ) -> list[dict[str, Any]]:
        """Oldest first, in the shape of `leapfrog deliveries --json`; see `_cut` for what ends a list that was cut.

        Raises UsageError for an unknown state or destination.
        """
        if state is not None and state not in DELIVERY_STATES:
            raise UsageError(f"There is no state {state!r}. Use one of: {', '.join(DELIVERY_STATES)}.")
        if destination is not None:
            self._require_known(destination)
        found = self._deliveries.listed(state, limit, destination)
        rows = [{name: getattr(record, name) for name in DELIVERY_FIELDS} for record in found]
        counts = Counter[str](self._journal.counts("deliveries")) + Counter[str](self._journal.counts("prints"))
        if destination is not None:
            counts = Counter[str](self._deliveries.totals_of(destination))
        return _cut(rows, counts[state] if state else sum(counts.values()))

    def retry(self, ids: list[str]) -> dict[str, list[str]]:
        """Read set-aside instances again, send refused deliveries again, and tell a modality what was given up. The
        number of an exam stands for all that it has. Raises UsageError for what is unknown.
        """
        return self._for_each(ids, self._retry)

    def _retry(self, one: str) -> bool:
        return any(
            [
                self._instances.retry(one),
                self._make_again(one),
                self._deliveries.retry(one),
                self._commitments.retry(one),
            ]
        )

    def _make_again(self, delivery_id: str) -> bool:
        """Have a report made and owed anew in the place of a refused object whose file is gone. Returns whether it is
        one.
        """
        delivery = self._deliveries.get(delivery_id)
        if delivery is None or delivery.kind in ("original", "print") or delivery.state != "refused":
            return False
        if self._spool.path(delivery.spool_name or "").is_file():
            return False
        self._deliveries.dismiss(delivery_id)
        self._studies.report_again(delivery.study_key)
        self._render_again(delivery.study_key)
        return True

    def reread(self, exams: list[str] | None, age_years: int | None = None) -> dict[str, int]:
        """Have the images of `exams`, or of every exam (None), read again: each exam gets a new version of its report.
        `age_years` is the patient's age, for images that do not give it.

        Returns how many images are `queued` now, how many are `waiting` since before, and of how many the reading is
        `kept`, because there is none to make or no whole file to make it from. Raises UsageError for an unknown exam.
        """
        keys = None if exams is None else list(dict.fromkeys(map(self._exam_key, exams)))
        counts = Counter[str](queued=0, waiting=0, kept=0)
        for page in self._studies.pages() if keys is None else [keys]:
            counts.update(self._reread(page, age_years))
        self._wake()
        return dict(counts)

    def _exam_key(self, given: str) -> str:
        """The key of an exam that was named by its number, by its key, or by the path of its report or of the report's
        folder. Raises UsageError for an unknown one.
        """
        path = PurePath(given.strip())
        key = (path.parent if path.suffix in REPORT_SUFFIXES else path).name.lower()
        study = self._studies.find(key) or numbered_exam(self._studies, given)
        if study is None:
            raise UsageError(
                f"There is no exam {key}. An exam is known by its number, or by the last folder in the path of its"
                " report."
            )
        return study.key

    def _reread(self, keys: Sequence[str], age_years: int | None) -> dict[str, int]:
        files = [file for key in keys for file in self._files.of_study(key)]
        waiting = self._instances.received([file.id for file in files])
        whole = [
            file.id
            for file in files
            if file.id not in waiting and not file.file_problem and self._spool.path(file.spool_name).is_file()
        ]
        queued = self._instances.read_again(whole, age_years)
        return {"queued": queued, "waiting": len(waiting), "kept": len(files) - len(waiting) - queued}

    def dismiss(self, ids: list[str], destination: str | None = None) -> dict[str, Any]:
        """Give up deliveries that the district server refused, prints that wait for another printer than that of the
        settings, and forget reports of storage commitment that were given up. The number of an exam stands for all of
        its deliveries. Or give up all that is owed to a `destination` that the settings have no more.

        Raises UsageError for what is unknown.
        """
        if destination is not None:
            return {"destination": destination, "dismissed": self._dismiss_all_of(destination, ids)}
        return self._for_each(
            ids,
            lambda one: (
                bool(self._deliveries.dismiss(one)) or self._give_up_print(one) or self._commitments.dismiss(one)
            ),
        )

    def _dismiss_all_of(self, destination: str, ids: list[str]) -> int:
        if ids:
            raise UsageError("Name deliveries, or a destination, not both.")
        self._require_known(destination)
        if destination in self._configured():
            raise UsageError(
                f"The destination {destination} is in the settings, so what waits for it is sent. If it is to get"
                " nothing more, take it out of the settings and restart Leapfrog first."
            )
        return self._deliveries.dismiss_all_of(destination)

    def _configured(self) -> list[str]:
        return [one.name for one in self._source.settings.destinations]

    def _require_known(self, destination: str) -> None:
        known = [*self._configured(), *self._deliveries.destinations()]
        if destination not in known:
            there = f"There are: {', '.join(dict.fromkeys(known))}." if known else "There is none."
            raise UsageError(f"There is no destination {destination}. {there}")

    def _give_up_print(self, one: str) -> bool:
        if self._prints.get(one) is None:
            return False
        return self._prints.give_up(one, self._source.settings.print.printer)

    def _for_each(self, ids: list[str], action: Callable[[str], bool]) -> dict[str, list[str]]:
        meant = {one: self._meant_by(one) for one in ids}
        if unknown := [one for one in ids if not meant[one]]:
            raise UsageError(
                f"No instance or delivery has the id {', '.join(unknown)}. `leapfrog instances` lists the instances,"
                " `leapfrog deliveries` the deliveries."
            )
        changed = {one: [known for known in meant[one] if action(known)] for one in ids}
        done = [one for one in ids if changed[one]]
        self._sheet_wanted()  # a print that is tried again gets a new one
        self._wake()
        return {"done": done, "unchanged": [one for one in ids if one not in done]}

    def _meant_by(self, given: str) -> list[str]:
        """The ids that are meant: the one that was given, or those of all that an exam with this number has."""
        if self._is_known(given):
            return [given]
        study = numbered_exam(self._studies, given)
        return [] if study is None else [*self._instances.ids_of(study.key), *self._deliveries.ids_of(study.key)]

    def _is_known(self, one: str) -> bool:
        return self._instances.get(one) is not None or self._deliveries.exists(one) or self._commitments.exists(one)

    def sync(self, destination: str | None = None) -> dict[str, int]:
        """Send everything that is owed now, to one destination or to all, even outside the sync windows. Returns the
        number of deliveries that wait for these. Raises UsageError for a destination that the settings do not have, and
        where no link leads to any place that the box could ask or tell.
        """
        names = self._configured()
        if destination is not None and destination not in names:
            there = f"There are: {', '.join(names)}." if names else "There is none."
            raise UsageError(f"The settings have no destination {destination}. {there}")
        asked = [
            one.name
            for one in self._source.settings.destinations
            if destination in (None, one.name) and one.kind != "stick"
        ]
        fleet = self._source.settings.fleet
        told = destination is None and (fleet.url or fleet.bundle_url)
        if names and not asked and not told:
            raise UsageError(
                f"No link leads to {destination or names[0]}: write what is owed on a stick with `leapfrog export`."
            )
        self._sync(destination)
        return {"waiting": sum(self._deliveries.totals_of(name)["waiting"] for name in asked)}

    def print_exam(
        self, exam: str, printer: str | None = None, page_size: PageSize | None = None, copies: int | None = None
    ) -> dict[str, Any]:
        """Print the report of an exam now, on the printer and paper of the settings unless others are given. Returns
        what is printed where, with a warning if the paper is not the printer's. Raises UsageError when that cannot be.
        """
        settings = self._source.settings.print
        study = self._studies.get(self._exam_key(exam))
        if not (printer or settings.printer):
            raise UsageError(print_words.NO_PRINTER)
        if not study.version:
            raise UsageError(print_words.NO_REPORT_YET.format(exam=study.exam_number or study.key))
        new = NewPrint(
            id=new_id(),
            version=study.version,
            result="",
            printer=printer or settings.printer,
            copies=copies or settings.copies,
            page_size=page_size or settings.page_size,
            on_request=True,
        )
        warning = look_at(new.printer, new.page_size)
        self._prints.add(new, study.key)
        self._sheet_wanted()
        return {
            "id": new.id,
            "exam_number": study.exam_number,
            "version": new.version,
            "printer": new.printer,
            "warning": warning,
        }

    def box_state(self) -> dict[str, str]:
        """What this box says of itself, signed: the `file` that its district reads (`fleet/signed_state.py`).

        Raises CannotBeSigned when this box has no key.
        """
        return {"file": self._box_state().decode("ascii")}

    def exam_contents(self, exam: str) -> dict[str, Any]:
        """What the box has of an exam, for a copy of it (`ExamContents`). Raises UsageError for an unknown exam."""
        return contents_of(self._journal, self._studies.get(self._exam_key(exam))).model_dump(mode="json")

    def copy_journal(self) -> dict[str, str]:
        """Copy the journal, as it is at one moment, for `leapfrog backup`, which removes the copy. Returns its path."""
        path = self._journal.path.with_name(COPY_NAME)
        self._journal.copy_to(path)
        return {"path": str(path)}

    def look_at_bundles(self) -> dict[str, Any]:
        """A bundle came. Returns which one is in use so far, as `leapfrog bundle status --json` does."""
        self._look_at_bundles()
        return bundle_report(self._source.settings.state_dir).model_dump(mode="json")

    def rollback_bundle(self) -> dict[str, Any]:
        """Leave the bundle in use, or the one that waits to be tried. Raises UsageError when there is none.

        Returns the number that was left, and the one that is in use then.
        """
        before = read_state(self._source.settings.state_dir)
        waiting = before.step.number if before.step is not None and before.step.kind == "try" else None
        if waiting is None and before.present is None:
            raise UsageError("There is no bundle to leave: this box has its own settings and models.")
        after = change_state(self._source.settings.state_dir, lambda state: state.left_by_person())
        self._look_at_bundles()
        return {"left": waiting or before.present, "now": after.present if waiting else after.former}

    def still_named(self, names: list[str]) -> list[str]:
        """Those of the spool files `names` that a row names. The others were forgotten since the journal was copied."""
        name_of = {Path(name).stem: name for name in names}  # a file is named by the id of its row
        known = self._instances.known(name_of) | self._deliveries.known(name_of)
        return sorted(name_of[one] for one in known)


def _cut(rows: list[dict[str, Any]], total: int) -> list[dict[str, Any]]:
    """`rows`; when there are more than these, one last element {"more": how many} says so."""
    return [*rows, {"more": total - len(rows)}] if total > len(rows) else rows
