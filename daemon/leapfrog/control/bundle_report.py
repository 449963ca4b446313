"""Which bundle of the district the box uses, for `status` and `bundle status`."""

from pathlib import Path

from leapfrog.bundle_state import BundleState, Undone, read_state
from leapfrog.errors import StorageError
from leapfrog.exam import Frozen


class BundleReport(Frozen):
    """`number` is in use `since` then (local ISO text), None for none; it is tried while it is `on_trial`. `to_try`
    waits until the box is quiet. `former` is what `leapfrog bundle rollback` goes back to. `undone` did not stay.
    """

    number: int | None = None
    since: str = ""
    on_trial: bool = False
    to_try: int | None = None
    former: int | None = None
    highest: int = 0
    undone: Undone | None = None

    def lines(self) -> list[str]:
        """For a person."""
        if self.number is None:
            lines = ["No bundle is in use: the box has its own settings and models."]
        else:
            trial = " It is on trial." if self.on_trial else ""
            lines = [f"Bundle {self.number} is in use since {self.since[:16].replace('T', ' ')}.{trial}"]
        if self.to_try is not None:
            lines.append(f"Bundle {self.to_try} waits until the box is quiet, and is tried then.")
        if self.undone is not None:
            what = "was left" if self.undone.was_used else "was not used"
            at = self.undone.at[:16].replace("T", " ")
            lines.append(f"Bundle {self.undone.number} {what} ({at}). {self.undone.reason}")
        return lines


def bundle_report(state_dir: Path) -> BundleReport:
    """What the state directory says. What cannot be read counts as no bundle: that is how the box takes it."""
    try:
        state = read_state(state_dir)
    except StorageError:
        state = BundleState()
    step = state.step
    return BundleReport(
        number=state.present,
        since=state.since,
        on_trial=state.trial is not None,
        to_try=step.number if step is not None and step.kind == "try" else None,
        former=state.former,
        highest=state.highest,
        undone=state.undone,
    )
