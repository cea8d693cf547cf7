"""A member with a good validator key and no good intentions, among correct simulated nodes."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from consensus.exchange import Announcement
from consensus.messages import (
    CarriedProposal,
    Certificate,
    Entry,
    Equivocation,
    Proposal,
    Step,
    Vote,
    VoteKind,
    sign_bytes,
    with_signature,
)
from ledger.actions import Mint, Transfer
from ledger.rounds import RoundCertificate
from ledger.transactions import Transaction, signed, tx_id, unsigned
from node.blocks import (
    Block,
    Bundle,
    BundlePart,
    DecidedBlock,
    Proposed,
    block_id,
    commit_hash,
    records_root,
)
from node.core import inputs as i
from node.core.building import build
from node.core.chain import Tip
from node.founding import CURRENCY, Founded, Identity, Plan, found
from node.messages import (
    BlocksReply,
    BlocksRequest,
    BundleReply,
    BundleRequest,
    DirectMessage,
    Hello,
    ProposalMessage,
    decode_message,
    encode_message,
)
from node.verify import verify_bundle, verify_message
from simulator.faults import Options
from simulator.network import SimulatedNetwork
from simulator.node import SimulatedNode
from wire.codec import digest_of
from wire.errors import PeerFault
from wire.ids import Date
from wire.limits import HEIGHT_MAX, ROUND_MAX, TIME_MS_MAX
from wire.signing import SigningKey, Verified
from wire.version import PROTOCOL_VERSION

LINKS = 1 << 12
CHAIN = "hostile-test"
Heard = list[DirectMessage]


def network_of(members: int, seed: int) -> tuple[Founded, SimulatedNetwork]:
    """A network whose last member is for the attacker to take."""
    plan = Plan(
        chain_id=CHAIN, seed=3, members=members, observers=0, time_ms=1_700_000_000_000,
        shares=("KO",), calendar=(Date(20080912),), maturity=Date(20081219),
        seed_chain_length=LINKS,
    )  # fmt: skip
    founded = found(plan)
    return founded, SimulatedNetwork(founded, Options(seed=seed), LINKS)


class _Listener(SimulatedNode):
    """Takes the place of a node, and only remembers what it is told."""

    heard: Heard

    def take(self, given: i.Input) -> None:
        if isinstance(given, i.MessageReceived):
            self.heard = [*self.heard[-30:], given.message.value]


class Attacker:
    """Sends what `attack` draws: of good form and with good signatures, or it is not delivered."""

    def __init__(
        self, founded: Founded, network: SimulatedNetwork, seed: int, *, prudent: bool = False
    ) -> None:
        """`prudent`: it never signs two things at one place, so no evidence ends its power."""
        self.network = network
        self._said: dict[tuple[object, ...], Any] | None = {} if prudent else None
        self.draw = random.Random(seed)
        self.me: Identity = founded.members[-1]
        self.key: SigningKey = self.me.key("consensus")
        self.name = self.me.lei
        self.honest = [network.nodes[who.lei] for who in founded.members[:-1]]
        listener = _Listener.__new__(_Listener)
        listener.__dict__ |= network.nodes[self.name].__dict__ | {"heard": [], "byzantine": True}
        self.listener = network.nodes[self.name] = listener
        self._nonce = 0
        self._chain = network.nodes[self.name].seed_chain
        self.delivered: Counter[str] = Counter()
        """Messages that have got past form and signature checks, by type."""

    # ---------------------------------------------------------------- what it sees and says
    @property
    def tip(self) -> Tip:
        return self.draw.choice(self.honest).core.tip

    def say(self, message: DirectMessage, to: SimulatedNode | None = None) -> None:
        """To one correct node, or to each of them, through the checks of a real node's inbound."""
        for node in self.honest if to is None else [to]:
            if not node.up:
                continue
            if self.name not in node.core.peers:
                node.take(
                    i.MessageReceived(self.name, Verified(self._hello()), self.network.now_ms)
                )
            try:
                decoded = decode_message(encode_message(message))
                if not node.core.wants(self.name, decoded):
                    continue
                checked = verify_message(CHAIN, decoded)
            except PeerFault:
                continue
            self.delivered[type(message).__name__] += 1
            node.take(i.MessageReceived(self.name, checked, self.network.now_ms))

    def sign(self, message: Any) -> Any:
        if self._said is not None:
            kind = getattr(message, "kind", None)
            place = (kind, message.height, message.round, message.validator)
            message = self._said.setdefault(place, message)
        return with_signature(message, self.key.sign(sign_bytes(CHAIN, message)))

    def any_of(self) -> SimulatedNode:
        return self.draw.choice(self.honest)

    # ---------------------------------------------------------------- attacks
    def attack(self) -> None:
        """One act, drawn from the seed."""
        self.draw.choice(ATTACKS)(self)

    def vote(self) -> None:
        """Votes at absurd places and in both directions."""
        height, draw = self.tip.height, self.draw
        ident = draw.choice([None, draw.randbytes(32), *self._idents()])
        self.say(
            self.sign(
                Vote(
                    draw.choice(list(VoteKind)),
                    draw.choice((max(1, height), height + 1, height + 1, height + 2, HEIGHT_MAX)),
                    draw.choice((0, 0, 1, 2, draw.randint(0, ROUND_MAX), ROUND_MAX)),
                    ident,
                    draw.choice((0, self.network.now_ms, TIME_MS_MAX)),
                    self.key.public,
                    b"",
                )
            ),
            draw.choice((None, self.any_of())),
        )

    def stranger(self) -> None:
        """Votes and proposals by a key that is nobody's, for the next height too."""
        key = SigningKey(self.draw.randbytes(32))
        proposed, _ = self._block()
        at = self.tip.height + self.draw.randint(1, 2)
        vote = Vote(VoteKind.PREVOTE, at, 0, None, 5, key.public, b"")
        offer = Proposal(at, 0, block_id(proposed.header), -1, 5, key.public, b"")
        for message in (vote, offer):
            made: Any = with_signature(message, key.sign(sign_bytes(CHAIN, message)))
            if isinstance(made, Proposal):
                made = ProposalMessage(CarriedProposal(made, None), proposed)
            self.say(made)

    def propose(self) -> None:
        """A block with something wrong in it, or two of them, mostly when it is its turn."""
        process = self.any_of().core.deciding.run.core.process
        turns = [r for r in range(4) if process.proposer(r) == self.key.public]
        round_ = self.draw.choice([*turns, *turns, max(process.round, 0)])
        for _ in range(self.draw.choice((1, 1, 2, 3))):
            proposed = self._spoiled(*self._block())
            valid_round = self.draw.choice((-1, -1, 0, round_, ROUND_MAX))
            proposal = Proposal(
                process.height, round_, block_id(proposed.header), valid_round,
                self.network.now_ms, self.key.public, b"",
            )  # fmt: skip
            certificate = self.draw.choice([None, None, *self._certificates()])
            carried = CarriedProposal(self.sign(proposal), certificate)
            self.say(ProposalMessage(carried, proposed), self.draw.choice((None, self.any_of())))
            if self.draw.random() < 0.7:
                for kind in VoteKind:
                    vote = Vote(
                        kind, process.height, round_, proposal.block_id, self.network.now_ms,
                        self.key.public, b"",
                    )  # fmt: skip
                    self.say(self.sign(vote))

    def other_story(self) -> None:
        """Somebody else's proposal with other bundles, or another rest than its header's."""
        for message in self.listener.heard[-8:]:
            if isinstance(message, ProposalMessage):
                parts = tuple(
                    BundlePart(self.draw.randbytes(32), ())
                    for _ in range(self.draw.choice((0, 1, 300)))
                )
                told = msgspec.structs.replace(message.block, bundles=parts)
                if self.draw.random() < 0.3:
                    told = msgspec.structs.replace(told, last_commit=None)
                self.say(ProposalMessage(message.carried, told))

    def replay(self) -> None:
        """Everything heard, again, to everybody, also under its own name at another height."""
        for message in self.listener.heard[-10:]:
            self.say(message)
            if isinstance(message, Vote):
                self.say(self.sign(msgspec.structs.replace(message, validator=self.key.public)))

    def certificate(self) -> None:
        """Certificates with members missing, twice, unsorted, alone, or of another kind."""
        for one in self._certificates()[:2]:
            self.say(one)
        vote = Vote(
            VoteKind.PRECOMMIT, self.tip.height + 1, 0, self.draw.randbytes(32), 5,
            self.key.public, b"",
        )  # fmt: skip
        entry = Entry(self.key.public, 5, self.sign(vote).signature)
        for entries in ((), (entry,), (entry, entry)):
            self.say(Certificate(vote.kind, vote.height, vote.round, vote.block_id, entries))

    def announce(self) -> None:
        """Lies about where it is and what it holds."""
        draw, height = self.draw, self.tip.height
        self.say(
            Announcement(
                draw.choice((1, max(height, 1), height + 1, height + 2, HEIGHT_MAX)),
                draw.choice((0, 1, ROUND_MAX)),
                draw.choice(list(Step)),
                draw.random() < 0.5,
                tuple(draw.randbytes(32) for _ in range(draw.randint(0, 2))),
                draw.random() < 0.5,
                draw.randbytes(draw.choice((0, 1, 13))),
                draw.randbytes(draw.choice((0, 1, 13))),
                draw.random() < 0.5,
                draw.random() < 0.5,
            )
        )

    def _hello(self) -> Hello:
        here = self.honest[0].core
        return Hello(PROTOCOL_VERSION, CHAIN, here.genesis_hash, here.tip.height, "x")

    def greet(self) -> None:
        """Hello again, from another chain, another version, or an absurd height."""
        draw, tip = self.draw, self.tip
        self.say(
            Hello(
                draw.choice((PROTOCOL_VERSION, PROTOCOL_VERSION, 0)),
                draw.choice((CHAIN, CHAIN, "another")),
                self.any_of().core.genesis_hash,
                draw.choice((0, tip.height, HEIGHT_MAX)),
                "x",
            )
        )

    def ask(self) -> None:
        """Requests for nothing, for everything, and for one bundle many times."""
        digest = self.draw.randbytes(32)
        for message in self.listener.heard:
            if isinstance(message, ProposalMessage) and message.block.bundles:
                digest = message.block.bundles[0].digest
        self.say(BundleRequest((digest,) * 64))
        self.say(BlocksRequest(self.draw.choice((1, self.tip.height + 1, HEIGHT_MAX)), 64))

    def answer(self) -> None:
        """Replies nobody asked for; blocks out of order, with a forged or foreign commit."""
        blocks = list(self.any_of().disk.blocks)[-6:]
        self.draw.shuffle(blocks)
        forged = []
        for block in blocks[:2]:
            header = msgspec.structs.replace(block.block.header, height=self.tip.height + 1)
            altered = msgspec.structs.replace(block.block, header=header)
            forged.append(DecidedBlock(altered, block.commit))
            commit = msgspec.structs.replace(
                block.commit, block_id=block_id(header), height=header.height
            )
            forged.append(DecidedBlock(altered, commit))
        for node in self.honest:
            node.core.sync.heard(self.name, HEIGHT_MAX - 1)
        wanted = self.tip.height + 1
        self.say(BlocksReply(wanted, 1, tuple(forged)))
        self.say(BlocksReply(wanted, 1, tuple(blocks)))
        self.say(BlocksReply(wanted, self.draw.choice((1, wanted + 5)), ()))
        self.say(BundleReply(Bundle((self._transfer(),))))

    def gossip(self) -> None:
        """A bundle with good, stale, repeated and foreign transactions."""
        bundle = self._bundle()
        for node in self.honest:
            if node.up:
                node.take(i.BundleHeard(verify_bundle(bundle), self.network.now_ms))

    # ---------------------------------------------------------------- material
    def _transfer(self, **changed: Any) -> Transaction:
        self._nonce += 1
        fields: dict[str, Any] = {
            "nonce": self._nonce,
            "valid_until": self.tip.height + self.draw.choice((-1, 1, 50, 5_000)),
        } | changed
        fields["valid_until"] = max(0, fields["valid_until"])
        action = self.draw.choice(
            (
                Transfer(CURRENCY, self.me.lei, self.honest[0].name, 10**15, ""),  # type: ignore[arg-type]
                Transfer(CURRENCY, self.me.lei, self.me.lei, -5, ""),
                Mint(CURRENCY, self.me.lei, 1, "mine"),
            )
        )
        chain = self.draw.choice((CHAIN, CHAIN, CHAIN, "another"))
        made = signed(unsigned(chain, action, **fields), self.me.key("treasury"))
        self.network.journal.submitted[tx_id(made)] = None
        return made

    def _bundle(self) -> Bundle:
        made = [self._transfer() for _ in range(self.draw.randint(1, 4))]
        old = [tx for b in self.any_of().disk.blocks[-5:] for tx in b.block.transactions]
        made += self.draw.choices(old, k=2) if old else []
        made.append(made[0])
        return Bundle(tuple(made))

    def _block(self) -> tuple[Proposed, Block]:
        """A block on a correct node's tip; its transactions may be anything."""
        tip = self.tip
        bundle = self._bundle()
        known = self.draw.random() < 0.7
        if known:
            for node in self.honest:
                node.take(i.BundleHeard(Verified(bundle), self.network.now_ms))
        parts: tuple[BundlePart, ...] = ()
        transactions: tuple[Transaction, ...] = ()
        if self.draw.random() < 0.7:
            parts, transactions = (BundlePart(digest_of(bundle), ()),), bundle.transactions
        if self.draw.random() < 0.2:
            parts, transactions = parts * 2, transactions * 2
        assert self._chain is not None
        link = self._chain.next_link(tip.seed_link(self.key.public))
        surplus = self.draw.choice(((), (), (RoundCertificate(1, b"\x01"),)))
        return build(tip, self.key.public, link, parts, transactions, surplus, self._evidence())

    def _evidence(self) -> tuple[Equivocation, ...]:
        at = self.draw.choice((1, self.tip.height + 1))
        one, other = (
            self.sign(Vote(VoteKind.PREVOTE, at, 0, block, 5, self.key.public, b""))
            for block in (None, bytes(32))
        )
        pairs = [(), (), (Equivocation(one, other),), (Equivocation(one, one),)]
        return self.draw.choice(pairs)

    def _spoiled(self, proposed: Proposed, block: Block) -> Proposed:
        """The block with one thing wrong: in the header, or in the parent's commit."""
        draw, header = self.draw, proposed.header
        other_commit = draw.choice([None, proposed.last_commit, *self._certificates()])
        wrong: dict[str, Any] = {
            "version": 0,
            "chain_id": "another",
            "height": draw.choice((0, header.height + 1, -1)),
            "time_ms": draw.choice((0, -1, header.time_ms + 1, TIME_MS_MAX)),
            "last_block_id": draw.choice((b"", draw.randbytes(32))),
            "transactions_root": draw.randbytes(32),
            "state_root": b"",
            "receipts_root": draw.randbytes(3),
            "results_root": draw.randbytes(32),
            "validators_hash": draw.randbytes(32),
            "next_validators_hash": draw.randbytes(32),
            "rotation_hash": draw.randbytes(32),
            "seed_link": draw.choice((b"", draw.randbytes(32), draw.randbytes(99))),
            "proposer": draw.choice((b"", self.honest[0].core.deciding.run.me, bytes(32))),
            "last_commit_hash": commit_hash(other_commit),
            "nothing": None,
        }
        name = draw.choice([*wrong, "nothing", "nothing"])
        if name == "last_commit_hash":
            proposed = msgspec.structs.replace(proposed, last_commit=other_commit)
        if name != "nothing":
            header = msgspec.structs.replace(header, **{name: wrong[name]})
        if name == "transactions_root" and draw.random() < 0.5:  # positions the bundle has not
            bad = tuple(BundlePart(part.digest, (5_000, 1)) for part in proposed.bundles)
            proposed = msgspec.structs.replace(proposed, bundles=bad)
            header = msgspec.structs.replace(
                header, transactions_root=records_root(block.transactions)
            )
        return msgspec.structs.replace(proposed, header=header)

    def _certificates(self) -> list[Certificate]:
        """Commits of the last blocks, whole and spoiled."""
        found: list[Certificate] = []
        for decided in self.any_of().disk.blocks[-2:]:
            commit = decided.commit
            entries = commit.signatures
            for changed in (entries, entries[1:], entries[::-1], (*entries, entries[-1]), ()):
                found.append(msgspec.structs.replace(commit, signatures=changed))
            found.append(msgspec.structs.replace(commit, kind=VoteKind.PREVOTE))
        self.draw.shuffle(found)
        return found

    def _idents(self) -> list[bytes]:
        return [ident for node in self.honest for ident in node.core.deciding.run.candidates.blocks]


ATTACKS: tuple[Callable[[Attacker], None], ...] = (
    Attacker.vote, Attacker.vote, Attacker.stranger, Attacker.propose, Attacker.propose,
    Attacker.propose, Attacker.other_story, Attacker.other_story, Attacker.replay,
    Attacker.certificate, Attacker.announce, Attacker.greet, Attacker.ask, Attacker.answer,
    Attacker.gossip,
)  # fmt: skip
