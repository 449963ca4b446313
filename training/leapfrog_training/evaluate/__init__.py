"""Measures how good the networks of a run are, in each form (float32, quantized after training, int8), with the kiosk's
own code for reading pictures and outputs.

There is one file per kind of measurement; the folders of the packages (`chest`, `child`, `head`, `nerve`) choose
theirs. Nothing here needs TensorFlow.
"""
