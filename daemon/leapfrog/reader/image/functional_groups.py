"""Attributes of single frames in the functional groups of enhanced objects (PS3.3 C.7.6.16).

Such an object has no window, rescale or pixel spacing at its top, but in items of one sequence for all frames and of
another for each.
"""

from pydicom.dataset import Dataset

from leapfrog.reader.image.attributes import items

FRAME_VOI_LUT = "FrameVOILUTSequence"  # PS3.3 C.7.6.16.2.10
PIXEL_VALUE_TRANSFORMATION = "PixelValueTransformationSequence"  # C.7.6.16.2.9
PIXEL_MEASURES = "PixelMeasuresSequence"  # C.7.6.16.2.1


class FunctionalGroups:
    """The functional groups of one instance, which may have none."""

    def __init__(self, dataset: Dataset) -> None:
        """Nothing is parsed beyond the sequences themselves."""
        self._dataset = dataset
        self._shared = items(dataset, "SharedFunctionalGroupsSequence")[:1]
        self._per_frame = items(dataset, "PerFrameFunctionalGroupsSequence")

    def vary(self, *macros: str) -> bool:
        """Whether one of `macros` is given for each frame rather than for all of them."""
        return any(macro in group for group in self._per_frame for macro in macros)

    def sources(self, macro: str, index: int) -> tuple[Dataset, ...]:
        """Where to look for attributes of `macro` that hold for frame `index`: the frame's own item, that of all
        frames, then the top of the data set.
        """
        groups = (*self._per_frame[index : index + 1], *self._shared)
        return (*(item for group in groups for item in items(group, macro)[:1]), self._dataset)
