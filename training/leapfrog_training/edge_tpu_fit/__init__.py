"""What the Edge TPU makes of a model, told from its flatbuffer alone: which operations it takes, and how fast it is.

Needs neither TensorFlow, but for `rebuilt.py` and `inception.py`, nor the compiler.
"""
