"""Every error that the training side raises on purpose.

LeapfrogError (leapfrog.errors)
└── TrainingError
    ├── DatasetError         a data set is not in the layout that its loader expects
    │   └── PatientLeak      one patient or subject is on both sides of a split
    ├── CompilerError        edgetpu_compiler is missing, refuses a model, or gives an unexpected answer
    ├── ModelFileError       a file is not a readable TFLite model
    ├── NotForEdgeTpu        a model would not run entirely on an Edge TPU
    ├── RunError             a run folder lacks what the next step needs
    └── SigningError         a key cannot be made, read or used
"""

from leapfrog.errors import LeapfrogError


class TrainingError(LeapfrogError):
    """Its text says what happened, to what, and what the user can do."""


class DatasetError(TrainingError):
    """The data set's folder is not in the layout that its loader expects."""


class PatientLeak(DatasetError):
    """One patient or subject is on both sides of a split, so every score would be too good."""


class CompilerError(TrainingError):
    """edgetpu_compiler is missing, refuses a model, or gives an unexpected answer."""


class ModelFileError(TrainingError):
    """A file is not a TFLite model, is damaged, or is of the wrong kind."""


class NotForEdgeTpu(TrainingError):
    """A model would not run entirely on an Edge TPU."""


class RunError(TrainingError):
    """A run folder lacks what the next step needs."""


class SigningError(TrainingError):
    """A key cannot be made, read or used for signing a package."""
