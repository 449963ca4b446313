"""`leapfrog verify`: whether a sheet, or a report on disk, is what a known box signed."""
