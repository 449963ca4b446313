"""`leapfrog export` and `leapfrog import`: what is owed is written on a stick, and what the district says of it is
taken from there. They read and write the stick; what the box knows of it, they ask of whoever has the journal.
"""
