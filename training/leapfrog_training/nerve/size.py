"""The size of the nerve networks' pictures and masks."""

HEIGHT, WIDTH = 112, 144  # pixels: the shape of most scans, 5 to 4
MASK_HEIGHT, MASK_WIDTH = 56, 72  # cells
