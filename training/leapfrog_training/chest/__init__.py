"""The package chest-findings: how it is trained, and how good it is; also the model that phantoms are drawn from."""
