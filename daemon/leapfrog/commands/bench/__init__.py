"""`leapfrog bench`: how fast this box reads, on the processor and on each of its Edge TPUs."""
