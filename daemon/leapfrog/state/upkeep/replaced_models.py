"""Finds exams that were read by a model which this box has replaced since, so that report and worklist say so; and
those whose report is from before exams had numbers, so that it shows the number.

Everything is gone through once after the packages have changed, or an upgrade, the newest exams first. It goes slowly:
each of these exams gets a new version of its report, and images that come meanwhile are not to wait for that.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping

from leapfrog.state.facts import Facts
from leapfrog.state.studies import Studies
from leapfrog.wording.content import replaced_models
from leapfrog.worker import UNTIL_WOKEN, Worker

FACT = "models_gone_through"
PAGE = 100  # studies looked at in one turn
SECONDS_A_PAGE = 0.5
SECONDS_UNTIL_READY = 1.0
SECONDS_A_REPORT = 2.0

_log = logging.getLogger(__name__)


class ReplacedModels(Worker):
    """Goes through the studies once, if the versions of the packages are not those of the last time."""

    def __init__(
        self,
        *,
        studies: Studies,
        facts: Facts,
        in_use: Mapping[str, str],
        on_reopened: Callable[[str], None],
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        """`in_use` are the versions of the packages, by name. `on_reopened` is called with the key of each study whose
        report has to be made again. `ready`: whether every exam has its number; nothing is looked at before.
        """
        super().__init__("replaced-models")
        self._studies = studies
        self._facts = facts
        self._in_use = in_use
        self._on_reopened = on_reopened
        self._ready = ready
        self._versions = json.dumps({"with numbers": dict(in_use)}, sort_keys=True)
        self._steps = self._go_through() if facts.get(FACT) != self._versions else iter(())
        self._reopened = 0

    def turn(self) -> float:
        """Look at the next studies, up to one whose report has to be made again. Returns the seconds until the next."""
        if not self._ready():
            return SECONDS_UNTIL_READY
        pause = next(self._steps, None)
        return UNTIL_WOKEN if pause is None else pause

    def _go_through(self) -> Iterator[float]:
        page = self._studies.reported_before(None, PAGE)
        while page:
            for _, study in page:
                says, has = study.replaced_models, replaced_models(self._studies.models_of(study.key), self._in_use)
                if (says != has or not study.shows_number) and self._studies.reopen(study.key):
                    self._reopened += 1
                    self._on_reopened(study.key)
                    yield SECONDS_A_REPORT
            yield SECONDS_A_PAGE
            page = self._studies.reported_before(page[-1][0], PAGE)
        self._facts.put(FACT, self._versions)
        if self._reopened:
            _log.info("Reports made again because a model was replaced, or for their number: %d.", self._reopened)
