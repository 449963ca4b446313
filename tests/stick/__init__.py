"""Whatever may befall a stick, at each moment: on the box that writes it and at the district that reads it."""
