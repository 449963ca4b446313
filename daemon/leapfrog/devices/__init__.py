"""Edge TPUs: finding them, proving them, lending them to lanes, and explaining why one cannot be used. Main process.

`kernel.py` finds devices by their USB and PCI ids; `processes/device_failures.py` lists what can be wrong, with a
remedy for each.
"""
