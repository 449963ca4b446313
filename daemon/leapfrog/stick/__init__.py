"""What lies on a stick that is carried between a box and its district where no link reaches."""
