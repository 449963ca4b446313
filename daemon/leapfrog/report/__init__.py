"""What staff read: pages, PDFs, overlays and the worklist."""
