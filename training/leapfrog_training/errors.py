"""Every error that the training side raises on purpose.

LeapfrogError (leapfrog.errors)
└── TrainingError
    ├── DatasetError         a data set is not in the layout that its loader knows
    │   └── PatientLeak      one patient or subject is on both sides of a split
    ├── CompilerError        edgetpu_compiler is missing, refuses a model, or answers what nobody expects
    ├── ModelFileError       a file is no TFLite model that can be looked into
    ├── NotForEdgeTpu        a model would not run whole on an Edge TPU
    ├── RunError             a run folder lacks what the next step needs
    └── SigningError         a key cannot be made, read or used
"""

from leapfrog.errors import LeapfrogError


class TrainingError(LeapfrogError):
    """Its text says what happened, to what, and what the person can do."""


class DatasetError(TrainingError):
    """The data set's folder is not in the layout that its loader knows."""


class PatientLeak(DatasetError):
    """One patient or subject is on both sides of a split: every score would be flattered."""


class CompilerError(TrainingError):
    """edgetpu_compiler is missing, refuses a model, or answers what nobody expects."""


class ModelFileError(TrainingError):
    """A file is no TFLite model, is damaged, or is not the kind that was asked for."""


class NotForEdgeTpu(TrainingError):
    """A model would not run whole on an Edge TPU."""


class RunError(TrainingError):
    """A run folder lacks what the next step needs."""


class SigningError(TrainingError):
    """A key cannot be made, read or used for signing a package."""
