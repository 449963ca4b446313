"""How DICOM is written down: elements, value representations, file heads, digests, UIDs. Both sides; no pixels."""
