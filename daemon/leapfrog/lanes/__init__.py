"""Which work is done next and by whom: dispatcher, lanes and the children that they keep. Main process."""
