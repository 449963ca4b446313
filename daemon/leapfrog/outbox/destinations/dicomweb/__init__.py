"""A district server that speaks DICOMweb: STOW-RS to store, QIDO-RS to ask (PS3.18). Main process."""
