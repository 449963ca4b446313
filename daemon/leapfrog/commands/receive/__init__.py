"""`leapfrog receive`: at the district, takes what boxes wrote on a stick, and writes receipts."""
