"""Every other fault, by the place where it befalls the box. A file lists its own in FAULTS."""
