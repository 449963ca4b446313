"""What this box says of itself to its district and to Prometheus: collected, signed, written down."""
