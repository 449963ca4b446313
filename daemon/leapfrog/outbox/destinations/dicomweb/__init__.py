"""A district server that speaks DICOMweb: STOW-RS to store, QIDO-RS to query (PS3.18). Main process."""
