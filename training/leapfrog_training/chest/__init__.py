"""The package chest-findings, how it is fitted and what it is worth; also what the phantoms are drawn from."""
