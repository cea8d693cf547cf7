"""Routes by which a client has the home's keys sign: under the policy, with a second pair of eyes.

What waits for the second client waits on the disk (`held`), until it expires: for the very bytes
that were asked for, and for one approval. It is gone from the disk before a key signs it.
"""

from typing import Any, Final, Literal, TypeAlias

from litestar import Request, get, post

from ledger import execution
from ledger.objects import KeyRole
from ledger.rejections import WrongChain
from ledger.state import Draft
from ledger.transactions import Transaction, verified
from node.api.errors import NotFound, NothingToSign, SameClient, TooManyHeld
from node.api.held import NAME, PURPOSE, HeldFile, Then, Wanted
from node.api.once import Key, Once
from node.api.reading import Ident, transaction_of
from node.apitypes import outcomes
from node.apitypes.requests import ToSign
from node.apitypes.shown import Shown
from node.daemon import Daemon
from node.shell import now_ms
from node.tokens import Scope
from node.viewing.viewer import check_for_own
from wire.codec import encode

HELD_MAX: Final = 1_000

Asked: TypeAlias = Request[Any, Any, Any]


def signing_routes(daemon: Daemon) -> list[Any]:
    """The route handlers."""
    once, desk = Once(daemon.store), Desk(daemon)

    @post("/sign", opt={"scope": Scope.SIGN})
    async def sign(data: ToSign, request: Asked, key: Key = None) -> outcomes.SigningRequest:
        """Have the home's keys sign a transaction, as far as the node's policy allows; above its
        amounts the request is held until another client approves it. Every signature is logged."""

        async def do() -> outcomes.SigningRequest:
            return await desk.ask(transaction_of(data), data.then, request.state["client"])

        return await once.answer(request, key, outcomes.SigningRequest, do)

    @get("/sign", sync_to_thread=False)
    def held() -> list[outcomes.SigningRequest]:
        """What waits for approval, oldest first."""
        check_for_own()
        return [shown(one, "held", "", None) for one in desk.waiting()]

    @post("/sign/{ident:str}/approve", opt={"scope": Scope.APPROVE})
    async def approve(ident: Ident, request: Asked) -> outcomes.SigningRequest:
        """Approve what another client has asked for: it is signed now, if the policy and the
        ledger still allow it."""
        return await desk.approve(ident, request.state["client"])

    @post("/sign/{ident:str}/refuse", opt={"scope": Scope.APPROVE}, sync_to_thread=False)
    def refuse(ident: Ident, request: Asked) -> outcomes.Refused:
        """Refuse what a client has asked for: it is forgotten."""
        return desk.refuse(ident, request.state["client"])

    return [sign, held, approve, refuse]


class Desk:
    """Where requests for signatures are looked at."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._file: HeldFile | None = None
        self._known: dict[str, Wanted] = {}

    async def ask(self, tx: Transaction, then: Then, client: str) -> outcomes.SigningRequest:
        """Sign, or hold until another approves; raises `Rejection`."""
        minutes = self._daemon.config.policy.approval_minutes
        wanted = Wanted(tx, self._roles(tx), client, then, now_ms() + minutes * 60_000)
        if self._alone(wanted):
            return await self._sign(wanted, "")
        held = self._waiting()
        if wanted.id not in held:  # whoever asks first is the one who may not approve
            if len(held) >= HELD_MAX:
                raise TooManyHeld(f"{HELD_MAX}")
            self._keep({**held, wanted.id: wanted})
        wanted = self._known[wanted.id]
        self._daemon.admin("sign_held", client=client, id=wanted.id, **_told(wanted))
        return shown(wanted, "held", "", None)

    def waiting(self) -> list[Wanted]:
        """What waits, oldest first."""
        return list(self._waiting().values())

    async def approve(self, ident: str, client: str) -> outcomes.SigningRequest:
        """Sign what another client has asked for; raises `NotFound`, `SameClient`."""
        wanted = self._find(ident)
        if wanted.client == client:
            raise SameClient(f"{client} has asked for it")
        self._alone(wanted)  # the limits may have come down, the amounts gone up
        self._forget(ident)
        return await self._sign(wanted, client)

    def refuse(self, ident: str, client: str) -> outcomes.Refused:
        """Forget a request; raises `NotFound`."""
        wanted = self._find(ident)
        self._forget(ident)
        self._daemon.admin("sign_refused", client=client, id=ident, asked_by=wanted.client)
        return outcomes.Refused(id=ident, status="refused")

    def _find(self, ident: str) -> Wanted:
        found = self._waiting().get(ident)
        if found is None:
            raise NotFound(f"request {ident}")
        return found

    def _waiting(self) -> dict[str, Wanted]:
        """By id, oldest first; what has expired meanwhile is none of it."""
        if self._file is None:
            file = self._opened()
            self._known = {one.id: one for one in file.load() if not self._signed(one)}
            self._file = file  # last: what could not be read must not be written over
        now = now_ms()
        self._known = {i: one for i, one in self._known.items() if one.expires_ms > now}
        return self._known

    def _opened(self) -> HeldFile:
        daemon = self._daemon
        key = daemon.sealing_key(PURPOSE)
        return HeldFile(daemon.home.data / NAME, key, daemon.genesis.chain_id)

    def _signed(self, wanted: Wanted) -> bool:
        """Whether it was: then the file is an old one, put back."""
        state = self._daemon.shell.tip.state
        return self._daemon.policy.has_signed(state, wanted.roles, wanted.tx)

    def _forget(self, ident: str) -> None:
        self._keep({i: one for i, one in self._waiting().items() if i != ident})

    def _keep(self, held: dict[str, Wanted]) -> None:
        """From now on these wait, whatever happens."""
        assert self._file is not None
        self._file.save(list(held.values()))
        self._known = held

    def _alone(self, wanted: Wanted) -> bool:
        """Whether one client suffices; raises `Rejection`."""
        state = self._daemon.shell.tip.state
        return self._daemon.policy.allow(state, wanted.roles, wanted.tx.action)

    def _roles(self, tx: Transaction) -> tuple[KeyRole, ...]:
        """The roles of this home's keys that must sign; raises `Rejection`."""
        chain = self._daemon.genesis.chain_id
        if tx.chain_id != chain:
            raise WrongChain(f"is for {tx.chain_id[:48]}, this is {chain}")
        required = execution.required(Draft(self._daemon.shell.tip.state), verified(tx).value)
        roles = tuple(KeyRole(role) for lei, role in required if lei == self._daemon.config.lei)
        if not roles:
            raise NothingToSign(type(tx.action).__name__)
        return roles

    async def _sign(self, wanted: Wanted, approver: str) -> outcomes.SigningRequest:
        self._daemon.admin(
            "sign", client=wanted.client, approved_by=approver, id=wanted.id, **_told(wanted)
        )
        complete = self._daemon.sign(wanted.tx, wanted.roles)
        status: Literal["signed", "affirming", "submitted"] = "signed"
        if wanted.then == "affirm":
            await self._daemon.affirm([complete])
            status = "affirming"
        elif wanted.then == "submit":
            await self._daemon.shell.submit(verified(complete))
            status = "submitted"
        return shown(wanted, status, approver, complete)


def shown(
    wanted: Wanted,
    status: Literal["held", "signed", "affirming", "submitted"],
    approver: str,
    complete: Transaction | None,
) -> outcomes.SigningRequest:
    """A request as clients see it."""
    return outcomes.SigningRequest(
        id=wanted.id,
        status=status,
        client=wanted.client,
        approved_by=approver,
        roles=[role.name.lower() for role in wanted.roles],
        action=Shown(wanted.tx.action),
        then=wanted.then,
        expires_ms=wanted.expires_ms,
        tx="" if complete is None else encode(complete).hex(),
    )


def _told(wanted: Wanted) -> dict[str, object]:
    return {
        "action": type(wanted.tx.action).__name__,
        "roles": [role.name.lower() for role in wanted.roles],
        "then": wanted.then,
    }
