"""Printing as `leapfrog status` shows it."""

from leapfrog.exam import Frozen


class PrintingState(Frozen):
    """`printer` is where sheets are printed, "" if nowhere; `explanation` says in words how it is. `counts`: how many
    prints there are in each state. `jobs`: how many sheets the print server has now.
    """

    printer: str
    explanation: str
    jobs: int = 0
    counts: dict[str, int]
    last_printed_at: str | None = None
