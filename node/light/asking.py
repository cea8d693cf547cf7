"""How the light client asks: generators that yield a question and are sent the answer.

Nothing here knows how a node is reached. Drive a generator with `drive`, or step by step.
"""

from collections.abc import Callable, Generator
from typing import Final, TypeAlias, TypeVar

import msgspec

from node.blocks import LightBlock, block_id
from node.light.errors import Lied, TrustExpired
from node.light.store import BLOCKS_KEPT
from node.light.verify import (
    Answer,
    Options,
    expired,
    trusted,
    verdict_alone,
    verify,
    verify_backwards,
)

LATEST: Final = 0
"""As a height: the newest block that the node has."""

T = TypeVar("T")


class Ask(msgspec.Struct, frozen=True):
    """Ask one node for a light block; answer with `Told`."""

    node: str
    height: int
    """Or LATEST."""


class Told(msgspec.Struct, frozen=True):
    """What the node said, and the reader's clock then. None: it does not have it, or is silent."""

    block: LightBlock | None
    now_ms: int


Asking: TypeAlias = Generator[Ask, Told, T]
"""Yields questions, is sent answers, returns a T."""


class Silent(Exception):
    """A node that was needed has not answered; inside the light client only."""


def drive(asking: Asking[T], answer: Callable[[Ask], Told]) -> T:
    """Run `asking` to its end, `answer` carrying out each question. Raises what it raises."""
    try:
        question = next(asking)
        while True:
            question = asking.send(answer(question))
    except StopIteration as ended:
        result: T = ended.value
        return result


def ask(node: str, height: int) -> Asking[tuple[LightBlock, int]]:
    """The block that `node` has of `height`, and the time. Raises `Silent`, `Lied`."""
    told = yield Ask(node, height)
    if told.block is None:
        raise Silent(node)
    if height not in (LATEST, told.block.header.height):
        raise Lied(f"{node} was asked for {height}, sent {told.block.header.height}")
    return told.block, told.now_ms


def climb(
    node: str, start: LightBlock, target: LightBlock, now_ms: int, how: Options, *, skip: bool
) -> Asking[list[LightBlock]]:
    """Verify `target`, a block above the trusted `start`, with what `node` has between the two.

    The blocks verified on the way (the last of them), `target` at the end. `skip`: by bisection,
    as few as the changes of validators allow; else every height. Raises `Lied` if `node` does not
    lead to `target`, `Silent`, `TrustExpired`.
    """
    found: list[LightBlock] = []
    below, waiting = start, [target]
    while waiting:
        candidate = waiting[-1]
        require_fresh(below, how, now_ms)
        low, high = below.header.height, candidate.header.height
        if high <= low:
            raise Lied(f"{node}, height {high} is not above {low}")
        if skip or high == low + 1:
            verdict = verify(trusted(below), candidate, now_ms, how)
            if verdict.answer is Answer.SUCCESS and _linked(below, candidate):
                found.append(waiting.pop())
                del found[:-BLOCKS_KEPT]
                below = candidate
                continue
            if verdict.answer is not Answer.NOT_ENOUGH_TRUST:
                raise Lied(f"{node}, height {high}: {verdict.reason or 'not linked'}")
        pivot = (low + high) // 2 if skip else low + 1
        block, now_ms = yield from ask(node, pivot)
        waiting.append(block)
    return found


def require_fresh(block: LightBlock, how: Options, now_ms: int) -> None:
    """Raise `TrustExpired` if nothing may be trusted any more because of `block`."""
    if expired(block.header, how.trusting_period_ms, now_ms):
        ended = block.header.time_ms + how.trusting_period_ms
        raise TrustExpired(f"height {block.header.height} ended at {ended}, now is {now_ms}")


def _linked(below: LightBlock, above: LightBlock) -> bool:
    """Of neighbours, the upper names the lower as its parent; who signs another forks the chain."""
    if above.header.height != below.header.height + 1:
        return True
    return above.header.last_block_id == block_id(below.header)


def descend(node: str, start: LightBlock, height: int) -> Asking[LightBlock]:
    """The block of `height`, verified by the chain of hashes down from the trusted `start`.

    Raises `Lied`, `Silent`.
    """
    above = start
    while above.header.height > height:
        block, _ = yield from ask(node, above.header.height - 1)
        verdict = verify_backwards(above.header, block.header)
        if verdict.answer is Answer.SUCCESS:  # the header is proved; its commit and sets are not
            verdict = verdict_alone(above.header.chain_id, block)
        if verdict.answer is not Answer.SUCCESS:
            raise Lied(f"{node}, height {above.header.height - 1}: {verdict.reason}")
        above = block
    return above
