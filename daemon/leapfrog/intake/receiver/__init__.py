"""The DICOM receiver: from a modality's connection to the spool. Main process.

Which SOP classes and transfer syntaxes are accepted: `negotiation.py`.
"""
