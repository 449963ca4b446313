"""The DICOM objects that we make, one file a kind of object: what they share stands in `common_modules.py`, `series.py`
and `dicom_object.py`; `report/derived.py` decides which are made. Reader.
"""
