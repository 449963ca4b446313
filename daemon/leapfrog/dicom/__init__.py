"""DICOM's file format: elements, value representations, file headers, digests, UIDs. Both sides; no pixels."""
