"""Paper: hands sheets over to a print server, or to a printer that speaks IPP itself, follows each job to its end, and
says what is wrong with the printer. A printer that is off, hangs or refuses stops nothing else.
"""
