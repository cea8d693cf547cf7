"""The one verification rule: for every case one answer, whichever library decides the equation.

The cases are those of Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs" (2020), section
5: small-order and mixed-order A and R, S out of range, encodings that are not canonical. The
judges: `wire.signing` (libsodium), OpenSSL through `cryptography`, and the arithmetic of
`edwards.py`.
"""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire import edwards
from tests.wire.edwards import BASE, TORSION, L, P, add, encoded, raw, times
from wire import signing
from wire.codec import decode
from wire.errors import BadSignature
from wire.signing import SigningKey, key_is_acceptable, require, signed_bytes, verifies

RFC_8032 = [  # section 7.1: secret, public, message, signature
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032(secret: str, public: str, message: str, signature: str) -> None:
    key = SigningKey(bytes.fromhex(secret))
    assert key.seed.hex() == secret
    assert key.public.hex() == public
    assert key.sign(bytes.fromhex(message)).hex() == signature
    assert verifies(key.public, bytes.fromhex(message), bytes.fromhex(signature))
    assert not verifies(key.public, bytes.fromhex(message) + b"x", bytes.fromhex(signature))


def _openssl(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _refused_beforehand(public: bytes, signature: bytes) -> bool:
    """The four refusals of the rule, written once more in terms of points."""
    small = {encoded(point) for point in TORSION}
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    for data in (public, r):
        point = edwards.decoded(data)
        if point is not None and encoded(point) in small:
            return True
    y = int.from_bytes(public, "little") & ((1 << 255) - 1)
    return y >= P or s >= L


def _one_answer(public: bytes, message: bytes, signature: bytes) -> bool:
    """All judges agree; their answer."""
    ours = verifies(public, message, signature)
    refused = _refused_beforehand(public, signature)
    assert ours == (not refused and _openssl(public, message, signature))
    assert ours == (not refused and edwards.equation_holds(public, message, signature))
    return ours


A, R = 0x1234567890ABCDEF << 100, 0xFEDCBA0987654321 << 90


def _mixed(torsion_a: int, torsion_r: int, message: bytes) -> tuple[bytes, bytes, bytes]:
    """A signature over keys and nonces with components of small order: S = r + k a."""
    public = encoded(add(times(A, BASE), TORSION[torsion_a]))
    r = encoded(add(times(R, BASE), TORSION[torsion_r]))
    s = (R + edwards.challenge(r, public, message) * A) % L
    return public, message, r + s.to_bytes(32, "little")


@pytest.mark.parametrize("torsion_a", range(0, 8, 3))
@pytest.mark.parametrize("torsion_r", range(0, 8, 3))
def test_mixed_order_points_get_the_answer_of_the_equation_without_cofactor(
    torsion_a: int, torsion_r: int
) -> None:
    """With the cofactor all of these would pass; without it, those whose components cancel."""
    for number in range(4):
        public, message, signature = _mixed(torsion_a, torsion_r, bytes([number]))
        k = edwards.challenge(signature[:32], public, message)
        cancels = (torsion_r + k * torsion_a) % 8 == 0
        assert _one_answer(public, message, signature) == cancels


@pytest.mark.parametrize("point", TORSION, ids=lambda point: encoded(point).hex()[:8])
def test_a_key_of_small_order_signs_nothing(point: tuple[int, int]) -> None:
    """Of order 1, it would verify every message with S = r; of order 2 to 8, some."""
    public = encoded(point)
    assert not key_is_acceptable(public)
    r = encoded(times(R, BASE))
    for message in (b"a", b"b", b"c"):
        signature = r + R.to_bytes(32, "little")
        assert not _one_answer(public, message, signature)


@pytest.mark.parametrize("point", TORSION, ids=lambda point: encoded(point).hex()[:8])
def test_an_r_of_small_order_is_refused(point: tuple[int, int]) -> None:
    public = encoded(times(A, BASE))
    r = encoded(point)
    s = edwards.challenge(r, public, b"m") * A % L
    assert not _one_answer(public, b"m", r + s.to_bytes(32, "little"))


def test_zero_s_with_small_r_and_small_a_is_refused_for_every_message() -> None:
    """Case 0 of the paper."""
    for one in TORSION:
        for other in TORSION:
            assert not _one_answer(encoded(one), b"m", encoded(other) + bytes(32))


NOT_CANONICAL = [raw(y, sign) for y in (P, P + 1, P + 3, 2**255 - 1) for sign in (0, 1)] + [
    raw(y, 1) for y in (1, P - 1)
]


@pytest.mark.parametrize("data", NOT_CANONICAL, ids=lambda data: data.hex()[:8])
def test_a_key_or_r_that_is_not_canonical_is_refused(data: bytes) -> None:
    """y >= p, or x = 0 with its sign bit set."""
    good = SigningKey(bytes(32))
    signature = good.sign(b"m")
    assert not key_is_acceptable(data)
    assert not _one_answer(data, b"m", signature)
    s = edwards.challenge(data, good.public, b"m") * A % L
    public = encoded(times(A, BASE))
    for r in (data, raw(P + 3)):
        assert not verifies(public, b"m", r + s.to_bytes(32, "little"))
        assert not edwards.equation_holds(public, b"m", r + s.to_bytes(32, "little"))


def test_s_plus_l_is_refused_so_a_signature_cannot_be_altered() -> None:
    key = SigningKey(b"k" * 32)
    signature = key.sign(b"m")
    s = int.from_bytes(signature[32:], "little")
    assert _one_answer(key.public, b"m", signature)
    for other in (s + L, s + 2 * L, s + 8 * L, L, 2**256 - 1, s ^ 1):
        if other < 2**256:
            altered = signature[:32] + other.to_bytes(32, "little")
            assert not _one_answer(key.public, b"m", altered)


def test_a_key_that_is_no_point_verifies_nothing() -> None:
    y = next(y for y in range(2, 100) if edwards.with_y(y, 0) is None)
    assert key_is_acceptable(raw(y))  # cheap to say; that it is no point shows when it verifies
    signature = SigningKey(bytes(32)).sign(b"m")
    assert not _one_answer(raw(y), b"m", signature)


@given(
    st.binary(min_size=32, max_size=32),
    st.binary(max_size=40),
    st.integers(0, 63),
    st.integers(0, 7),
)
@settings(max_examples=25)
def test_one_flipped_bit_anywhere_breaks_a_signature(
    seed: bytes, message: bytes, place: int, bit: int
) -> None:
    key = SigningKey(seed)
    signature = key.sign(message)
    assert _one_answer(key.public, message, signature)
    flipped = bytearray(signature)
    flipped[place] ^= 1 << bit
    assert not _one_answer(key.public, message, bytes(flipped))
    public = bytearray(key.public)
    public[place % 32] ^= 1 << bit
    assert not _one_answer(bytes(public), message, signature)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_keys_and_signatures_have_one_length(length: int) -> None:
    key = SigningKey(bytes(32))
    signature = key.sign(b"m")
    assert not key_is_acceptable(bytes(length)[:-1] + b"\x07" * (length > 0))
    assert not verifies(key.public + bytes(length) if length else b"", b"m", signature)
    if length != 64:
        assert not verifies(key.public, b"m", (signature * 2)[:length])
    assert not verifies(key.public, b"m", signature + b"m")


def test_the_small_order_table_is_complete() -> None:
    ys = {point[1] for point in TORSION}
    assert ys == signing.SMALL_ORDER_Y
    assert len(TORSION) == len(set(TORSION)) == 8
    assert all(times(8, point) == (0, 1) for point in TORSION)


def test_domain_and_chain_keep_signatures_apart() -> None:
    key = SigningKey(bytes(32))
    signature = key.sign(signed_bytes("dcn/x/1", "chain-1", 7, b"ab"))
    require(key.public, signed_bytes("dcn/x/1", "chain-1", 7, b"ab"), signature)
    for other in (
        signed_bytes("dcn/y/1", "chain-1", 7, b"ab"),
        signed_bytes("dcn/x/1", "chain-2", 7, b"ab"),
        signed_bytes("dcn/x/1", "chain-1", 7, b"a", b"b"),
        signed_bytes("dcn/x/1chain-1", "", 7, b"ab"),
    ):
        with pytest.raises(BadSignature, match=f"key {key.public.hex()[:16]}"):
            require(key.public, other, signature)
    fields = decode(signed_bytes("dcn/x/1", "chain-1", 7), tuple[str, str, int], 100)
    assert fields == ("dcn/x/1", "chain-1", 7)
