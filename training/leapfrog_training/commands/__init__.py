"""One file per command of `leapfrog-train`: its options, and a call of the code that does the work. No file imports
TensorFlow before it needs it.
"""
