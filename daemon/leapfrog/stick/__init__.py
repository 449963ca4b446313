"""What lies on a stick that carries exams to a district and receipts back: how it is laid out, written and read. It
runs on the box and at the district: no journal, no network, no pixels.
"""
