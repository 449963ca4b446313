"""Calls to others by DIMSE, with pynetdicom: programs that the main process runs as children. They know neither journal
nor spool; what they are to send comes on standard input.
"""
