"""Keys and signed packages."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from leapfrog_training.packaging.signing import make_keys, read_private_key, sign_package
from support.tiny_models import CLASSIFIER, classifier_content, write_package


@dataclass(frozen=True)
class Signer:
    """Somebody with a pair of keys."""

    private_key: Ed25519PrivateKey
    public_file: Path

    def sign(self, package: Path) -> Path:
        """Sign a package; returns its folder."""
        sign_package(package, self.private_key)
        return package


def new_signer(folder: Path) -> Signer:
    """Somebody whose keys lie in `folder`."""
    private_file, public_file = make_keys(folder)
    return Signer(read_private_key(private_file), public_file)


def write_version(folder: Path, version: str) -> Path:
    """The tiny classifier in another version, in `folder`."""
    return write_package(folder, CLASSIFIER.replace("1.2.3", version), classifier_content())
