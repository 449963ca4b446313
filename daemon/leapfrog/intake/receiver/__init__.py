"""The DICOM receiver: from a modality's connection to the spool. Main process.

For the SOP classes and transfer syntaxes that are accepted, see `negotiation.py`.
"""
