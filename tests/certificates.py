"""Certificates for tests: an authority of its own, and what it signs for a host."""

import datetime
import ipaddress
import pathlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificate:
    """Files in PEM: who signed, the certificate and its key."""

    ca: pathlib.Path
    file: pathlib.Path
    key: pathlib.Path


def certified(folder: pathlib.Path, host: str = "127.0.0.1") -> Certificate:
    """A certificate for the host, signed by an authority that is made for it."""
    folder.mkdir(parents=True, exist_ok=True)
    signer, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("test authority", host)]
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)

    def made(subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType) -> bytes:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(names[0])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + datetime.timedelta(days=2))
            .add_extension(extension, critical=False)
            .sign(signer, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
        )

    found = Certificate(folder / "ca.pem", folder / "broker.pem", folder / "broker.key")
    found.ca.write_bytes(made(names[0], signer, x509.BasicConstraints(ca=True, path_length=None)))
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
    found.file.write_bytes(made(names[1], own, address))
    found.key.write_bytes(
        own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return found
