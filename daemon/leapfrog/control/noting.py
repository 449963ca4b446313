"""What people have the box do through the control socket is noted here in the log of who did what, and only here."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from leapfrog.errors import LeapfrogError, UsageError
from leapfrog.settings import Settings
from leapfrog.state.action_log import acting, note_action
from leapfrog.state.actions.line import Outcome, is_no_name
from leapfrog.state.actions.who import Who

# What only asks, or is a step of a command that notes itself, is in neither list.
NOTED = frozenset(("retry", "reread", "sync", "print", "rollback_bundle"))
# What must not happen unless it can be noted: it is noted before it is done, too.
ONLY_IF_NOTED = frozenset(("dismiss", "forget"))
EVERY_EXAM = "every exam"
SOMETHING_ELSE = "(not an id)"  # what somebody typed may be the name of a patient
REPORT_SUFFIXES = (".html", ".pdf", ".json")


class Noting:
    """Runs commands, and notes those that change something."""

    def __init__(self, settings: Settings) -> None:
        """The log is in the state directory. The names of destinations may stand in it."""
        self._state_dir = settings.state_dir
        self._destinations = frozenset(one.name for one in settings.destinations)

    def run(self, command: str, handler: Any, arguments: dict[str, Any], who: Who) -> Any:
        """What `handler` answers to `arguments`. Raises what it raises; and StorageError, before it is called, where
        the command may only be run if it can be noted, and cannot be.
        """
        if command not in NOTED | ONLY_IF_NOTED:
            return handler(arguments)
        given = _given(arguments)
        about = [self._shown(one) for one in given] or ([EVERY_EXAM] if command == "reread" else [])
        telling = SOMETHING_ELSE not in about
        if command in ONLY_IF_NOTED:
            with acting(self._state_dir, command, about, _detail(command, arguments), who=who, telling=telling):
                return handler(arguments)
        outcome: Outcome = "failed"
        detail = ""
        try:
            result = handler(arguments)
            outcome = "done"
        except LeapfrogError as problem:
            outcome = "refused" if isinstance(problem, UsageError) else "failed"
            detail = str(problem) if telling else ""
            raise
        finally:
            note_action(self._state_dir, command, about, detail, outcome=outcome, who=who)
        return result

    def _shown(self, given: str) -> str:
        """How what a person named stands in the log: numbers of exams, ids, and names of the settings."""
        path = PurePath(given.strip())
        name = (path.parent if path.suffix in REPORT_SUFFIXES else path).name
        return name if is_no_name(name) or name in self._destinations else SOMETHING_ELSE


def _given(arguments: Mapping[str, Any]) -> list[str]:
    """The ids, exams and destinations that a command was given, whatever else came with them."""
    given: list[str] = []
    for name in ("ids", "exams", "exam", "destination"):
        value = arguments.get(name) if isinstance(arguments, Mapping) else None
        given += [value] if isinstance(value, str) else [one for one in value or () if isinstance(one, str)]
    return given


def _detail(command: str, arguments: Mapping[str, Any]) -> str:
    reason = arguments.get("reason") if command == "forget" else None
    owed = " Also what was owed." if arguments.get("although_owed") else ""
    return f"{reason}{owed}" if isinstance(reason, str) else ""
