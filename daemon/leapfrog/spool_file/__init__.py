"""A file of the spool: the content, and after it a record of what it is. Both sides; no pixels, no journal, no network.

So a journal that is lost can be written again from the files alone: nothing outside a file is needed to know what it
is, and its record is made durable by the same fsync as its content.
"""
