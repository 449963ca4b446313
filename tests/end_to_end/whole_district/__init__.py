"""A whole district: two boxes, one of them with no link, until everything is where it belongs."""
