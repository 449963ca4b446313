"""Transfer syntaxes that are more than a name to us (PS3.5 Section 10 and Annex A)."""

IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
EXPLICIT_BIG_ENDIAN = "1.2.840.10008.1.2.2"
NATIVE = frozenset((IMPLICIT_LITTLE_ENDIAN, EXPLICIT_LITTLE_ENDIAN, EXPLICIT_BIG_ENDIAN))

DEFLATED = "1.2.840.10008.1.2.1.99"
# Here the whole data set is compressed: 306 KB were seen to unpack to 649 MiB, so nothing of it is read at the intake.
DEFLATED_SYNTAXES = frozenset((DEFLATED, "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"))  # and JPIP's two
