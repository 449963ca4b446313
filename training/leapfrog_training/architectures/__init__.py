"""The networks that models are made of: one file per network, built with batch 1 in mind and only from operations
that the Edge TPU compiler takes.
"""
