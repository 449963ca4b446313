"""Compiles int8 models for the Edge TPU with Google's edgetpu_compiler."""
