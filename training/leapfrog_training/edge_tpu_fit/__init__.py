"""What the Edge TPU makes of a model, told from its flatbuffer alone: which operations it takes, and how fast it is.

Runs on the training machine only, without TensorFlow and without the compiler.
"""
