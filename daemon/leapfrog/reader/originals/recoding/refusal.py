"""Why an original goes as it came."""

from leapfrog.errors import LeapfrogError


class AsItCame(LeapfrogError):
    """The original goes as it came; the message says why, without a word of the patient's data."""
