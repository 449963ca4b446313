"""What can be seen of a box from outside: its disks, folders, port, clock, district and archives. One file for each.

The daemon uses it where no part of its own looks, `leapfrog status` and `leapfrog doctor` where no daemon runs.
"""
