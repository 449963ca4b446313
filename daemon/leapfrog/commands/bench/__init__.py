"""`leapfrog bench`: how fast this box reads, on the processor and on its Edge TPUs. A program of its own."""
