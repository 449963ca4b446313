"""One file per command of `leapfrog-train`: its options, and the call of what does the work. None imports TensorFlow
before it must.
"""
