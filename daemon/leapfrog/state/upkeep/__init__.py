"""What is done from time to time with what is kept: old exams are forgotten, and every spool file is looked at. Main
process.
"""
