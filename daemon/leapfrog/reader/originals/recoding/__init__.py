"""An original in another transfer syntax, for the way out: JPEG-LS lossless to spare the link, or uncompressed for a
server that takes nothing else. Its UID and every other element stay as they are; it is compared before it is given
away, and in doubt the original goes as it came. Reader.
"""
