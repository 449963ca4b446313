"""What radiologists at the district answer: what a document says, whether it is an answer at all, and whose it is."""
