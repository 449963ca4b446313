"""Every error that Leapfrog raises on purpose.

LeapfrogError
├── SettingsError            the configuration is wrong: key, value, what is allowed        (exit 2)
├── UsageError               the command was called wrongly                                 (exit 2)
├── StateDirectoryHeld       another Leapfrog is using the state directory
├── ListenError              Leapfrog cannot listen on a port or socket
├── StorageError             the disk failed to store or keep data
│   ├── BundleStateDamaged   the file that says which bundle is used says nothing
│   ├── DiskFull             storing this would leave too little free space
│   └── JournalDamaged       the journal's file is not what was written to it
├── JournalError             a change of state that the journal does not allow
├── ReaderNotStarted         a reader cannot be started, however often that is tried
├── DaemonNotRunning         a command needs the daemon, but no daemon answers
├── UnreadableImage          an instance cannot be read; the reason is written for a nurse
├── ForgottenOnRequest       an image is of an exam that a person had forgotten, and lies in a watched folder
├── CannotBeRenamed          an instance cannot be passed on under a new UID; the reason is for a technician
├── NothingToRead            an instance has no still picture (a report, a plan, a video): it is only passed on
├── EngineError              the model could not be run, and the image is not the cause
│   ├── EngineRefused        the engine host works, but answered that it cannot do this
│   ├── EngineUntrusted      the engine host gave an answer that cannot be right
│   └── LibraryFailed        libedgetpu crashed or hung while it listed its devices
├── NotASummary              a text is no signed summary of an exam that this version understands, or has no room for it
├── NotAReceipt              a file is no receipt that this box's district signed
├── NotABoxState             a file is not the state of a box, or not as the box signed it
├── CannotBeSigned           this box has no key to sign with
├── PrinterError             a print server or printer did not do what it was asked
│   ├── PrinterUnreachable   no usable answer: try again later
│   └── PrinterRefused       it answered that it does not do this
├── StickError               a stick cannot be read or written
│   ├── StickFull            it has no more room
│   └── ParcelRefused        a part on it is damaged, not whole, or not for whoever reads it
├── PackageError             a model package is incomplete, altered or made for another version
├── BundleError              a bundle of the district is not whole, not the district's, or cannot be used here
└── DistrictError            the district server did not confirm a delivery
    ├── DistrictUnreachable  no usable answer: try again later
    ├── DistrictUnclear      sent, but neither confirmed nor refused: ask the server, then try again later
    ├── DistrictLocked       401 or 403: every delivery will fail until a person changes something
    └── DistrictRefused      the server refused this one instance
"""

from leapfrog.language.sentence import Sentence


class LeapfrogError(Exception):
    """Its message says what happened, to what, and what the person can do."""

    @property
    def sentence(self) -> Sentence:
        """The message: one that was marked for translation keeps what it was made from, unlike `str` of the error."""
        message = self.args[0] if self.args else ""
        return message if isinstance(message, Sentence) else Sentence(str(message))


class SettingsError(LeapfrogError):
    """The configuration is wrong."""


class UsageError(LeapfrogError):
    """The command was called wrongly."""


class StateDirectoryHeld(LeapfrogError):
    """Another Leapfrog is using the state directory."""


class ListenError(LeapfrogError):
    """Leapfrog cannot listen on a port or socket."""


class StorageError(LeapfrogError):
    """The disk failed to store or keep data."""


class BundleStateDamaged(StorageError):
    """The file that says which bundle of the district is used says nothing any more."""


class DiskFull(StorageError):
    """Storing this would leave less free space than the settings ask for."""


class JournalDamaged(StorageError):
    """The journal's file is not what was written to it; a start of the daemon makes it anew."""


class JournalError(LeapfrogError):
    """A change of state that the journal does not allow."""


class ReaderNotStarted(LeapfrogError):
    """A reader cannot be started, however often that is tried."""


class DaemonNotRunning(LeapfrogError):
    """A command needs the daemon, but no daemon answers."""


class NotASummary(LeapfrogError):
    """A text is no signed summary that this version understands, or an exam is too much for one."""


class NotABoxState(LeapfrogError):
    """A file is not the state of a box, as that box signed it; the message says why, as "it ..."."""


class CannotBeSigned(LeapfrogError):
    """This box has no key to sign with."""


class NotAReceipt(LeapfrogError):
    """A file is no receipt that the district of this box signed."""


class UnreadableImage(LeapfrogError):
    """An instance cannot be read; staff see the message unchanged."""


class ForgottenOnRequest(LeapfrogError):
    """An image in a watched folder is of an exam that a person had forgotten: it is not taken up again."""


class CannotBeRenamed(LeapfrogError):
    """An instance whose UID is taken by another cannot be passed on under a new one."""


class NothingToRead(LeapfrogError):
    """An instance has no still picture and is only passed on; staff see the message unchanged."""


class EngineError(LeapfrogError):
    """The model could not be run, and the image is not the cause."""


class EngineRefused(EngineError):
    """The engine host works, but answered that it cannot do what was asked."""


class EngineUntrusted(EngineError):
    """The engine host gave an answer that cannot be right."""


class LibraryFailed(EngineError):
    """libedgetpu crashed or hung while it listed its devices."""


class PackageError(LeapfrogError):
    """A model package is incomplete, altered or made for another version."""


class StickError(LeapfrogError):
    """A stick cannot be read or written, or has something else than what belongs there."""


class StickFull(StickError):
    """A stick has no more room."""


class ParcelRefused(StickError):
    """A part of what a box wrote on a stick is damaged, not whole, or not for whoever reads it."""


class BundleError(LeapfrogError):
    """A bundle of settings and models is not whole, is not signed by the district, or cannot be used on this box."""


class DistrictError(LeapfrogError):
    """The district server did not confirm a delivery."""


class DistrictUnreachable(DistrictError):
    """No usable answer; try again later, and after `retry_after_seconds` at the earliest.

    `was_connected`: something answered or broke off, which may be due to the instance that was spoken of.
    """

    def __init__(self, message: str, retry_after_seconds: float = 0.0, *, was_connected: bool = True) -> None:
        """`retry_after_seconds` is 0 if the server did not ask for a pause."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.was_connected = was_connected


class DistrictUnclear(DistrictError):
    """An instance was sent, but the server neither confirmed nor refused it.

    `is_nobodys_fault`: its body had made way for something else, or the server had closed the connection that was kept.
    Then it may be sent again at once, if it did not arrive.
    """

    def __init__(self, message: str, *, is_nobodys_fault: bool = False) -> None:
        """Mostly the instance, the link or the server has to do with it."""
        super().__init__(message)
        self.is_nobodys_fault = is_nobodys_fault


class DistrictAnswerTooLong(DistrictUnclear):
    """The server answered, with more than any answer to this question has."""


class DistrictLocked(DistrictError):
    """The district server rejects the login; every delivery will fail until a person changes something."""


class DistrictRefused(DistrictError):
    """The district server refused this one instance.

    `is_definite`: it said why, of this very instance. Otherwise the server may as well be the cause.
    `is_about_encoding`: it said that it does not take the transfer syntax.
    """

    def __init__(self, message: str, *, is_definite: bool = True, is_about_encoding: bool = False) -> None:
        """`message` names the status or the failure reason."""
        super().__init__(message)
        self.is_definite = is_definite
        self.is_about_encoding = is_about_encoding


class PrinterError(LeapfrogError):
    """A print server or a printer did not do what it was asked."""


class PrinterUnreachable(PrinterError):
    """There is no usable answer; try again later."""


class PrinterRefused(PrinterError):
    """It answered that it does not do this. `status` is IPP's status code (RFC 8011, B.1)."""

    def __init__(self, message: str, status: int) -> None:
        """`message` says what it refused."""
        super().__init__(message)
        self.status = status
