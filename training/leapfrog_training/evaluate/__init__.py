"""What the networks of a run are worth: measured through the kiosk's own reading of pictures and outputs, in every
form (float32, quantized after training, int8).

One file per thing that is measured; which of them a package needs is said in its own folder (`chest`, `head`, `nerve`).
Nothing here needs TensorFlow.
"""
