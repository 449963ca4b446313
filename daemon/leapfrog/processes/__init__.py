"""The children of the main process: how they are started, spoken to and ended. Both sides.

Which children there are: `command_lines.py`. What is said to them: `messages.py`; what may be wrong
with an Edge TPU: `device_failures.py`.
"""
