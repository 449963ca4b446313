"""From an int8 model to one for the Edge TPU, by Google's edgetpu_compiler."""
