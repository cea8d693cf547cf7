"""Puts looks on record and discloses them: with the authority's governance key, by its own node.

The hash of a look is accepted by the node, which is to say on its disk and on its way to the
validators until it is decided, before the answer that was looked for is given. If that cannot be,
the look is refused. Looks within a moment of each other go as one transaction.
"""

import asyncio
import secrets
from collections import defaultdict
from itertools import islice
from typing import Any, Final, NamedTuple

import structlog

from ledger import tables as t
from ledger.actions import Action, CommitLooks, DiscloseLooks
from ledger.mandates import LOOKS_MAX, digest_of
from ledger.objects import KeyRole, Look
from ledger.state import State
from ledger.transactions import unsigned, verified
from node.core.effects import CommitBlock
from node.daemon import Daemon
from node.looks.content import is_routine, members_in
from node.shell import now_ms
from node.storage.looks import COMMITTED, DISCLOSED, FILE, MADE, Kept, Register
from node.viewing.viewer import Mandated, viewer_now
from wire.codec import Digest
from wire.errors import CodedError, EnvironmentFault
from wire.ids import Lei

log = structlog.get_logger("looks")

GATHER_SECONDS: Final = 0.2
"""Looks so close to each other share a transaction."""

ACCEPT_SECONDS_MAX: Final = 5.0

AGAIN_MS: Final = 3_600_000
"""A view that a person keeps open, or asks for again within the hour, is one look."""

ASK_AGAIN_BLOCKS: Final = 100
"""After so many blocks a step that has not been taken is asked for again."""

BEHIND_MAX: Final = 5

WHAT_MAX: Final = 200
"""Characters of a look's `what`."""


class LookRefused(EnvironmentFault):
    """A look at a member's data could not be put on record, so nothing is shown."""

    code = "LOOK_REFUSED"
    remedy = "See that the node has peers, is not behind, and holds the governance key; try again."


class Gathered(NamedTuple):
    """What goes as one transaction."""

    mandate: str
    routine: bool


class Looks:
    """The looks of an authority's people."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._opened: Register | None = None
        self._gathered: dict[Gathered, list[Look]] = defaultdict(list)
        self._flushing: dict[Gathered, asyncio.Task[None]] = {}
        self._asking: asyncio.Task[None] | None = None
        daemon.shell.on_block.append(self._on_block)

    @property
    def _register(self) -> Register:
        """Made with the first look, so that a member's home has none."""
        if self._opened is None:
            self._opened = Register(self._daemon.home.data)
        return self._opened

    async def before_answer(self, response: Any) -> Any:
        """What the application does with each answer before it is given; raises `LookRefused`."""
        viewer = viewer_now()
        if viewer.mandated is not None:
            # Who asks about a member looks at it, whether or not the answer says its name again.
            named = members_in(response.content) | members_in(viewer.where)
            members = sorted(Lei(one) for one in named)
            routine = is_routine(response.content)
            await self.record(viewer.mandated, members, viewer.where, routine=routine)
        return response

    async def record(
        self, by: Mandated, members: list[Lei], what: str, *, routine: bool = False
    ) -> None:
        """Put looks of a person at members on record; raises `LookRefused`. `routine`: they are
        disclosed without an embargo."""
        tip = self._daemon.shell.tip
        known = [one for one in members if _covered(tip.state, by, one)]
        made = [
            Look(
                authority=by.mandate.authority,
                mandate=by.mandate.reference,
                person=by.person,
                member=member,
                what=what[:WHAT_MAX],
                height=tip.height,
                time_ms=now_ms(),
                purpose=by.purpose,
                salt=secrets.token_bytes(32),
            )
            for member in known
        ]
        since = now_ms() - AGAIN_MS
        made = [one for one in made if not self._register.seen_since(one, since)]
        if made:
            self._check_able()
            await self._commit(by, made, routine)

    def _check_able(self) -> None:
        shell = self._daemon.shell
        behind = shell.core.sync.target() - shell.tip.height
        if behind > BEHIND_MAX:
            raise LookRefused(f"the node is {behind} blocks behind")
        if not shell.core.peers:
            raise LookRefused("the node has no peers")

    async def _commit(self, by: Mandated, made: list[Look], routine: bool) -> None:
        reference = Gathered(by.mandate.reference, routine)
        self._register.put(
            made, routine=routine, disclosure_blocks=by.mandate.disclosure_blocks,
            asked=self._daemon.shell.tip.height,
        )  # fmt: skip
        self._gathered[reference] += made
        if reference not in self._flushing:
            self._flushing[reference] = asyncio.create_task(self._flush(reference))
        try:
            await asyncio.shield(self._flushing[reference])
        except (CodedError, TimeoutError) as error:
            self._register.drop(made)
            raise LookRefused(str(error) or "the node has not accepted it in time") from None

    async def _flush(self, reference: Gathered) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        del self._flushing[reference]
        looks = self._gathered.pop(reference)
        async with asyncio.timeout(ACCEPT_SECONDS_MAX):
            digests = [digest_of(one) for one in looks]
            await self._put_hashes(reference.mandate, digests, routine=reference.routine)

    async def _put_hashes(self, reference: str, digests: list[Digest], *, routine: bool) -> None:
        rest = iter(sorted(digests))
        while some := tuple(islice(rest, LOOKS_MAX)):
            own = Lei(self._daemon.config.lei)
            await self._send(CommitLooks(own, reference, routine, some))

    async def _send(self, action: Action) -> None:
        daemon = self._daemon
        tip = daemon.shell.tip
        valid_until = tip.height + daemon.config.trades.valid_heights
        nonce = secrets.randbits(60)
        tx = unsigned(tip.chain_id, action, nonce=nonce, valid_until=valid_until)
        signed = daemon.sign(tx, (KeyRole.GOVERNANCE,))
        ident = await daemon.shell.submit(verified(signed))
        daemon.admin("looks", action=type(action).__name__, id=ident.hex())

    # ---------------------------------------------------------------- as blocks come
    def _on_block(self, effect: CommitBlock) -> None:
        """See how far looks are, and ask for what is due; one round of asking at a time."""
        if not (self._daemon.home.data / FILE).exists():
            return
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(effect.tip.state, effect.tip.height))

    async def _ask(self, state: State, height: int) -> None:
        try:
            commit: dict[tuple[str, bool], list[Digest]] = defaultdict(list)
            disclose: list[Kept] = []
            for kept in self._register.open():
                now = self._stepped(state, kept)
                waiting = now.asked and height < now.asked + ASK_AGAIN_BLOCKS
                if now.state == MADE and not waiting:
                    commit[now.look.mandate, now.routine].append(now.digest)
                elif now.state == COMMITTED and not waiting and _embargo_is_over(now, height):
                    disclose.append(now)
            for (reference, routine), digests in commit.items():
                self._register.ask(digests, height)
                await self._put_hashes(reference, digests, routine=routine)
            for start in range(0, len(disclose), LOOKS_MAX):
                some = disclose[start : start + LOOKS_MAX]
                self._register.ask([one.digest for one in some], height)
                looks = tuple(one.look for one in some)
                await self._send(DiscloseLooks(Lei(self._daemon.config.lei), looks))
        except CodedError as error:  # asked again later; what stays open is told as overdue
            log.warning("looks_not_sent", code=error.code, detail=error.detail)

    def _stepped(self, state: State, kept: Kept) -> Kept:
        """Where a look stands by the ledger."""
        row = state.get(t.LOOKS, t.LOOKS.key(self._daemon.config.lei, kept.digest))
        if row is not None and kept.state == MADE:
            self._register.step(kept.digest, COMMITTED, row.due)
            return kept._replace(state=COMMITTED, due=row.due, asked=0)
        if row is None and kept.state == COMMITTED:
            self._register.step(kept.digest, DISCLOSED, 0)
            return kept._replace(state=DISCLOSED)
        return kept

    def close(self) -> None:
        """Close the record."""
        if self._opened is not None:
            self._opened.close()


def _embargo_is_over(kept: Kept, height: int) -> bool:
    return height >= kept.due - kept.disclosure_blocks


def _covered(state: State, by: Mandated, member: str) -> bool:
    """Whether a look at what names this member is one at its data: the mandate is about it, or it
    is on the ledger and the mandate about everybody."""
    if by.mandate.members:
        return member in by.mandate.members
    return state.get(t.MEMBERS, t.MEMBERS.key(member)) is not None
