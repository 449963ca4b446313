"""The size of the nerve networks' pictures and masks."""

HEIGHT, WIDTH = 128, 144  # pixels: most scans are nearly square, and the kiosk adds black to those that are not so
MASK_HEIGHT, MASK_WIDTH = 64, 72  # cells
