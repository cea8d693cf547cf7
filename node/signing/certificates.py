"""Certificates for a node and its signer: an authority of their own, for these two alone.

The authority's key signs the two certificates and is then forgotten: there will never be a third.
"""

import datetime
import ipaddress
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from node.files import replace_file
from node.signing.errors import SignerHomeExists

LIFETIME: Final = datetime.timedelta(days=3_650)
SIDES: Final = ("signer", "node")


def make_certificates(folder: Path, host: str) -> list[Path]:
    """Folders `signer` and `node` under `folder`, each with ca.pem, cert.pem and key.pem.

    `host`: name or IP address at which the node reaches the signer. Raises `SignerHomeExists`.
    """
    places = [folder / side for side in SIDES]
    for place in places:
        if place.exists():
            raise SignerHomeExists(str(place))
    authority = ec.generate_private_key(ec.SECP256R1())
    name = _name("dcn signer authority")
    root = (
        _builder(name, name, authority.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certificates=True), critical=True)
        .sign(authority, hashes.SHA256())
    )
    for side, place in zip(SIDES, places, strict=True):
        key = ec.generate_private_key(ec.SECP256R1())
        server = side == "signer"
        use = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            _builder(_name(f"dcn {side}"), name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),
                critical=False,
            )
        )
        if server:
            names = x509.SubjectAlternativeName([_general_name(host)])
            builder = builder.add_extension(names, critical=False)
        _write(place, root, builder.sign(authority, hashes.SHA256()), key)
    return places


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))  # clocks differ
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(
    place: Path, root: x509.Certificate, own: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    pem = serialization.Encoding.PEM
    place.mkdir(parents=True, mode=0o700)
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    replace_file(place / "ca.pem", root.public_bytes(pem), 0o644)
    replace_file(place / "cert.pem", own.public_bytes(pem), 0o644)
    replace_file(place / "key.pem", secret)
