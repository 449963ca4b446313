"""Predicts from a model's flatbuffer alone which operations the Edge TPU would run, and how fast.

Does not need the compiler, and needs TensorFlow only for `rebuilt.py` and `inception.py`.
"""
