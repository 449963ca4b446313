"""Edge TPUs: found, proven, lent to lanes, and what is wrong with those that do not serve. Main process.

Which devices there are: `kernel.py` by USB and PCI ids. What may be wrong, with the remedy of
each: `processes/device_failures.py`.
"""
