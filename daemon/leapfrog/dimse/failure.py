"""Why a call did not do what it should."""

from leapfrog.processes.call_messages import Failed, FailureKind


class CallFailed(Exception):
    """Carries the answer that the main process gets."""

    def __init__(self, what: FailureKind, detail: str = "", rejection: tuple[int, int, int] | None = None) -> None:
        """As in `Failed`."""
        super().__init__(what)
        self.failed = Failed(what=what, detail=detail, rejection=rejection)
