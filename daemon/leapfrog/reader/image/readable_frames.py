"""The frames of an image that can be decoded: of a loop, one damaged frame does not take the others with it."""

from collections.abc import Iterator

from leapfrog.errors import UnreadableImage
from leapfrog.language.listing import enumerated
from leapfrog.language.sentence import Sentence, sentence
from leapfrog.reader.image.frames.decoding import CANNOT_DECODE
from leapfrog.reader.image.image import DecodedImage
from leapfrog.reader.image.pixels import DisplayedFrame, chosen_frames

MOST_NAMED = 10  # frames, in a sentence
MOST_TRIED = 64  # frames, to find one that can be read: each may take a decoder a while

ONE_LEFT_OUT = sentence(
    "Frame {number} cannot be read and was left out. Send the file again from the machine that made it."
)
LEFT_OUT = sentence(
    "{count} of the {tried} frames that were looked at cannot be read and were left out ({numbers}). Send the file"
    " again from the machine that made it."
)
MANY_LEFT_OUT = sentence(
    "{count} of the {tried} frames that were looked at cannot be read and were left out ({numbers} and more). Send the"
    " file again from the machine that made it."
)


class ReadableFrames:
    """Shows frames of `image`, counted from 0, and remembers which could not be."""

    def __init__(self, image: DecodedImage) -> None:
        """Nothing is decoded yet."""
        self._image = image
        self._tried: set[int] = set()
        self._unreadable: set[int] = set()

    def spread(self, limit: int) -> Iterator[tuple[int, DisplayedFrame]]:
        """At most `limit` frames with their numbers, evenly spaced over those that are there; if none of them can be
        read, another. Raises UnreadableImage if there is none.
        """
        present = self._image.present
        found = False
        for position in chosen_frames(len(present), limit):
            if (frame := self.frame(present[position])) is not None:
                found = True
                yield present[position], frame
        if not found:
            yield self.any()

    def any(self) -> tuple[int, DisplayedFrame]:
        """The readable frame nearest to the middle, with its number. Raises UnreadableImage if there is none."""
        present = self._image.present
        middle = present[len(present) // 2]
        candidates = sorted(set(present) - self._unreadable, key=lambda index: abs(index - middle))
        for index in candidates[:MOST_TRIED]:
            if (frame := self.frame(index)) is not None:
                return index, frame
        raise UnreadableImage(CANNOT_DECODE)

    def frame(self, index: int) -> DisplayedFrame | None:
        """Frame `index`, or None if it is one of several and cannot be decoded.

        Raises UnreadableImage if it is the only one.
        """
        self._tried.add(index)
        try:
            return self._image.frame(index)
        except UnreadableImage:
            if self._image.frame_count == 1:
                raise
            self._unreadable.add(index)
            return None

    @property
    def note(self) -> Sentence:
        """A sentence for staff about frames that were left out, or ""."""
        numbers = [str(index + 1) for index in sorted(self._unreadable)]
        if not numbers:
            return Sentence("")
        if len(numbers) == 1:
            return ONE_LEFT_OUT.format(number=numbers[0])
        left_out = LEFT_OUT if len(numbers) <= MOST_NAMED else MANY_LEFT_OUT
        named = enumerated(numbers[:MOST_NAMED])
        return left_out.format(count=len(numbers), tried=len(self._tried), numbers=named)
