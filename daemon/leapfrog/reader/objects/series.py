"""How the series of our objects are numbered and described."""

from dataclasses import dataclass

from leapfrog.language.sentence import Sentence, sentence
from leapfrog.language.speaker import Speaker

LONGEST_LO = 64  # characters: PS3.5 Section 6.2


@dataclass(frozen=True)
class Series:
    """One kind of series that the box makes."""

    number: int
    said: Sentence

    def description(self, speaker: Speaker) -> str:
        """Its description, in English if it would be too long for an attribute of VR LO."""
        text = speaker.say(self.said)
        return text if len(text) <= LONGEST_LO else str(self.said)


REPORT = Series(9001, sentence("Leapfrog report, not a diagnosis"))
OVERLAYS = Series(9002, sentence("Leapfrog overlay, not a diagnosis"))
