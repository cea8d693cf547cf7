"""Arithmetic on edwards25519, the slow and obvious way: an independent reading of RFC 8032."""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P

Point = tuple[int, int]
Extended = tuple[int, int, int, int]


def _add(one: Extended, other: Extended) -> Extended:
    """RFC 8032 5.1.4, complete: it also doubles."""
    (x1, y1, z1, t1), (x2, y2, z2, t2) = one, other
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _extended(point: Point) -> Extended:
    x, y = point
    return x, y, 1, x * y % P


def _affine(point: Extended) -> Point:
    x, y, z, _ = point
    inverse = pow(z, P - 2, P)
    return x * inverse % P, y * inverse % P


def add(one: Point, other: Point) -> Point:
    """The sum of two points."""
    return _affine(_add(_extended(one), _extended(other)))


def times(n: int, point: Point) -> Point:
    """n * point."""
    result, power = _extended((0, 1)), _extended(point)
    while n:
        if n & 1:
            result = _add(result, power)
        power = _add(power, power)
        n >>= 1
    return _affine(result)


def with_y(y: int, sign: int) -> Point | None:
    """The point with this y and this sign of x (RFC 8032 5.1.3), y taken modulo p."""
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P:
        return None
    return (P - x if x % 2 != sign and x else x, y % P)


def encoded(point: Point) -> bytes:
    """32 bytes: y, and the sign of x in the top bit."""
    return (point[1] | ((point[0] & 1) << 255)).to_bytes(32, "little")


def raw(y: int, sign: int = 0) -> bytes:
    """32 bytes of any y below 2^255, canonical or not."""
    return (y | sign << 255).to_bytes(32, "little")


def decoded(data: bytes) -> Point | None:
    """The point of 32 bytes, non-canonical ones taken modulo p."""
    number = int.from_bytes(data, "little")
    return with_y((number & ((1 << 255) - 1)) % P, number >> 255)


def challenge(r: bytes, public: bytes, message: bytes) -> int:
    """SHA-512(R || A || M) as an integer modulo L."""
    return int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % L


def equation_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Without the cofactor: S B - k A, encoded, is R byte for byte; S is below L."""
    a, s = decoded(public), int.from_bytes(signature[32:], "little")
    if a is None or s >= L:
        return False
    k = challenge(signature[:32], public, message)
    minus_a = (P - a[0], a[1])
    return encoded(add(times(s, BASE), times(k, minus_a))) == signature[:32]


_BASE = with_y(4 * pow(5, P - 2, P) % P, 0)
assert _BASE is not None
BASE: Point = _BASE

_ORDER_8 = with_y(0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826, 0)
assert _ORDER_8 is not None
TORSION: list[Point] = [times(n, _ORDER_8) for n in range(8)]
"""The eight points of small order."""
