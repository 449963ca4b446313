"""The child processes of the main process: starting them, talking to them and ending them. Both sides.

`command_lines.py` lists the children. `messages.py` defines the messages to and from readers, `device_failures.py` what
can be wrong with an Edge TPU.
"""
