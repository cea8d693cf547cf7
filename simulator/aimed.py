"""A network that knows the algorithm and works against it: it sees all, and loses what it must.

Chance alone rarely finds the few schedules for which locks and valid values exist; these do. Each
returns which messages are lost, for the height after the one under way.
"""

from consensus.messages import Certificate, Step, Vote, VoteKind
from consensus.rotation import ProposerOfRound, advanced, updated
from node.core.chain import Tip
from node.messages import DirectMessage, ProposalMessage
from simulator.network import Drops, SimulatedNetwork
from simulator.node import SimulatedNode
from wire.signing import Verified

HELD_MS = 40
"""What is held back is offered again after this."""


def next_height(network: SimulatedNetwork) -> int:
    """The height after the one under way: what these aim at."""
    return _Height(network).number


class _Height:
    """The height after the one under way, and who proposes in its rounds."""

    def __init__(self, network: SimulatedNetwork) -> None:
        tip: Tip = max((n.core.tip for n in network.nodes.values()), key=lambda t: t.height)
        names: dict[bytes, str] = {node.key.public: name for name, node in network.nodes.items()}
        self.number = tip.height + 2
        self.validators = tip.next_validators
        rotation = tip.rotation
        if tip.next_validators != tip.validators:
            rotation = updated(rotation, tip.next_validators)
        self._proposer = ProposerOfRound(advanced(rotation))
        self._names = names
        self.members = [names[key] for key in self.validators.powers]
        self.powers = {names[key]: power for key, power in self.validators.powers.items()}

    def proposer(self, round_: int) -> str:
        return self._names[self._proposer(round_)]


def lone_decision(network: SimulatedNetwork, later: int) -> Drops:
    """One alone sees the commit of round 0 and is heard no more; who proposes `later` rounds after
    the next, and all others that the quorum can do without, have not seen the block.

    What then keeps the others from deciding something else is that they are locked.
    """
    height = _Height(network)
    first_blind = height.proposer(1 + later)
    lone = height.proposer(1)
    if not later or lone == first_blind:
        lone = next(name for name in reversed(height.members) if name != first_blind)
    blind = [first_blind]
    sighted = sum(height.powers.values()) - height.powers[first_blind]
    for name in height.members:
        spared = name not in (lone, first_blind, height.proposer(0))
        if spared and height.validators.is_quorum(sighted - height.powers[name]):
            blind.append(name)
            sighted -= height.powers[name]

    def drops(sender: str, target: str, message: DirectMessage) -> bool:
        match message:
            case ProposalMessage() if message.carried.proposal.height == height.number:
                return sender == lone or (target in blind and message.carried.proposal.round == 0)
            case Vote(height=height.number) if sender == lone:
                return message.kind is VoteKind.PRECOMMIT or message.round > 0
            case Certificate(height=height.number):
                return sender == lone or target in blind
            case _:
                return sender == lone and network.nodes[lone].core.tip.height >= height.number

    return drops


def late_polka(network: SimulatedNetwork) -> Drops:
    """The proposer of round 1 hears of the polka of round 0 once it has precommitted nil; a commit
    in round 0 is heard of by nobody. It must then propose the block of the polka."""
    height = _Height(network)
    late = height.proposer(1)

    def holds(sender: str, target: str, message: DirectMessage) -> bool:
        """Whether to hold `message` back for a moment."""
        step = network.nodes[late].core.deciding.run.core.process.step
        if target != late or step is Step.PRECOMMIT:
            return False
        match message:
            case ProposalMessage() if message.carried.proposal.height == height.number:
                return step is Step.PROPOSE and message.carried.proposal.round == 0
            case Vote(height=height.number, kind=VoteKind.PREVOTE, round=0):
                return completes(network.nodes[target], message)
            case _:
                return False

    def drops(sender: str, target: str, message: DirectMessage) -> bool:
        if holds(sender, target, message):
            network.at(HELD_MS, lambda: network.deliver(target, sender, Verified(message)))
            return True
        match message:
            case Vote(height=height.number, kind=VoteKind.PRECOMMIT, round=0):
                return completes(network.nodes[target], message)
            case Certificate(height=height.number, round=0):
                return target == late or message.kind is VoteKind.PRECOMMIT
            case _:
                return False

    return drops


def completes(node: SimulatedNode, vote: Vote) -> bool:
    """Whether `vote` for a block would give `node` a quorum."""
    process = node.core.deciding.run.core.process
    log = process.book.rounds.get(vote.round)
    powers = process.validators.powers
    if vote.block_id is None or vote.validator not in powers or process.height != vote.height:
        return False
    power = powers[vote.validator]
    if log is not None:
        same = [v for v in log.tally(vote.kind).votes.values() if v.block_id == vote.block_id]
        power += sum(powers[one.validator] for one in same if one.validator != vote.validator)
    return process.validators.is_quorum(power)
