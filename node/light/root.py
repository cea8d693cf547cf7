"""Where trust begins: the genesis, or a header that the reader has from a source of its own."""

import msgspec

from consensus.validators import Validator
from node.blocks import Header, LightBlock, block_id
from node.light.asking import Asking, Silent, ask, require_fresh
from node.light.errors import BadHeaderName, NoProvider, WrongRoot
from node.light.store import TrustedStore
from node.light.verify import Answer, Options, verdict_alone
from wire.codec import digest_of


class NamedHeader(msgspec.Struct, frozen=True):
    """A header named by height and id, as one person reads it to another. The id is the hash of
    the whole header, chain id included."""

    height: int
    block_id: bytes

    def contradicts(self, header: Header) -> bool:
        """Whether `header` is another one of the same height."""
        return header.height == self.height and block_id(header) != self.block_id

    def __str__(self) -> str:
        return f"{self.height}:{self.block_id.hex()}"


def named_header(text: str) -> NamedHeader:
    """The header named `HEIGHT:ID`, the id 64 hex digits; raises `BadHeaderName`."""
    height, separator, ident = text.partition(":")
    try:
        digest = bytes.fromhex(ident)
    except ValueError:
        digest = b""
    if not separator or not height.isascii() or not height.isdecimal() or len(digest) != 32:
        raise BadHeaderName(f"{text[:90]!r}, HEIGHT:ID expected")
    return NamedHeader(int(height), digest)


class GenesisRoot(msgspec.Struct, frozen=True):
    """What block 1 must say, by the genesis."""

    chain_id: str
    genesis_hash: bytes
    time_ms: int
    validators: tuple[Validator, ...]

    @property
    def height(self) -> int:
        """Trust begins at block 1."""
        return 1


Root = NamedHeader | GenesisRoot


def root_store(node: str, root: Root, how: Options) -> Asking[TrustedStore]:
    """A trusted store with the block that `root` names, as `node` has it.

    Raises `WrongRoot` if the node's block is another one or its commit is not good,
    `TrustExpired`, `NoProvider`.
    """
    try:
        block, now_ms = yield from ask(node, root.height)
    except Silent:
        raise NoProvider(f"{node} does not give block {root.height}") from None
    check_root(root, block)
    require_fresh(block, how, now_ms)
    return TrustedStore([block])


def check_root(root: Root, block: LightBlock) -> None:
    """Raise `WrongRoot` unless `block` is the one that `root` names, with a good commit."""
    header = block.header
    named: dict[str, tuple[object, object]]
    match root:
        case NamedHeader():
            chain_id = header.chain_id
            named = {
                "height": (header.height, root.height),
                "id": (block_id(header), root.block_id),
            }
        case GenesisRoot():
            chain_id = root.chain_id
            named = {
                "height": (header.height, root.height),
                "parent": (header.last_block_id, root.genesis_hash),
                "time": (header.time_ms, root.time_ms),
                "validators": (header.validators_hash, digest_of(root.validators)),
                "next validators": (header.next_validators_hash, digest_of(root.validators)),
            }
    for name, (found, wanted) in named.items():
        if found != wanted:
            raise WrongRoot(f"{name} of block {root.height} is {_text(found)}, not {_text(wanted)}")
    verdict = verdict_alone(chain_id, block)
    if verdict.answer is not Answer.SUCCESS:
        raise WrongRoot(f"block {root.height}: {verdict.reason}")


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
