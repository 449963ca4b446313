"""Every error that Leapfrog raises on purpose.

LeapfrogError
├── SettingsError            the configuration is wrong: key, value, what is allowed        (exit 2)
├── UsageError               the command was called wrongly                                 (exit 2)
├── StateDirectoryHeld       another Leapfrog holds the state directory
├── ListenError              a port or socket cannot be listened on
├── StorageError             the disk did not take or keep what was written
│   └── DiskFull             under the free space that must stay
├── JournalError             a change of state that the journal does not allow
├── DaemonNotRunning         a command needs the daemon and none answers
├── UnreadableImage          an instance cannot be read, in words that a nurse understands
├── NothingToRead            an instance is no picture (a report, a plan, a video): it is passed on as it came
├── EngineError              the model could not be run; the image is not to blame
│   ├── EngineRefused        the engine host is well and answered that it cannot do this
│   ├── EngineUntrusted      what the engine host answers cannot be right
│   └── LibraryFailed        libedgetpu crashed or hung when it was asked for its devices
├── PackageError             a model package is incomplete, altered or not meant for this version
└── DistrictError            a delivery did not end with a confirmation
    ├── DistrictUnreachable  try again later
    ├── DistrictUnclear      sent, but neither confirmed nor refused: ask, then try again later
    ├── DistrictLocked       401 or 403: nothing will pass until a person changes something
    └── DistrictRefused      this very instance is not wanted
"""


class LeapfrogError(Exception):
    """Its text says what happened, to what, and what the person can do."""


class SettingsError(LeapfrogError):
    """The configuration is wrong."""


class UsageError(LeapfrogError):
    """The command was called wrongly."""


class StateDirectoryHeld(LeapfrogError):
    """Another Leapfrog holds the state directory."""


class ListenError(LeapfrogError):
    """A port or socket cannot be listened on."""


class StorageError(LeapfrogError):
    """The disk did not take or keep what was written."""


class DiskFull(StorageError):
    """Storing this would leave less free space than the settings ask for."""


class JournalError(LeapfrogError):
    """A change of state that the journal does not allow."""


class DaemonNotRunning(LeapfrogError):
    """A command needs the daemon and none answers."""


class UnreadableImage(LeapfrogError):
    """An instance cannot be read; the text is shown to staff as it is."""


class NothingToRead(LeapfrogError):
    """An instance holds no still picture and is only passed on; the text is shown to staff as it is."""


class EngineError(LeapfrogError):
    """The model could not be run; the image is not to blame."""


class EngineRefused(EngineError):
    """The engine host is well and answered that it cannot do what was asked."""


class EngineUntrusted(EngineError):
    """What the engine host answers cannot be right."""


class LibraryFailed(EngineError):
    """libedgetpu crashed or hung when it was asked for its devices."""


class PackageError(LeapfrogError):
    """A model package is incomplete, altered or not meant for this version."""


class DistrictError(LeapfrogError):
    """A delivery did not end with a confirmation."""


class DistrictUnreachable(DistrictError):
    """No usable answer; try again later, and not before `retry_after_seconds` where the server asked for that."""

    def __init__(self, text: str, retry_after_seconds: float = 0.0) -> None:
        """`retry_after_seconds` is 0 where the server named no time."""
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class DistrictUnclear(DistrictError):
    """An instance was sent, and it was neither confirmed nor refused."""


class DistrictLocked(DistrictError):
    """The district server wants other credentials; nothing passes until a person changes something."""


class DistrictRefused(DistrictError):
    """The district server does not want this very instance."""
