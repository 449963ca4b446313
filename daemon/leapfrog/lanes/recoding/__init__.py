"""Originals are made in other transfer syntaxes for the way out, by a child process that reads no images for anybody.
Main process.
"""
