"""What one peer sends takes bounded room, and puts nothing of another's aside."""

import msgspec
import pytest

from consensus.messages import CarriedProposal, Proposal, Vote, VoteKind, sign_bytes, with_signature
from ledger.actions import Transfer
from ledger.transactions import KeySignature, Transaction
from node.blocks import Bundle, BundlePart, Proposed, assembled, records_root
from node.core.candidates import Candidates
from node.core.deciding import UNLOGGED_MAX
from node.core.mempool import Mempool
from node.founding import CURRENCY
from node.messages import BlocksRequest, ProposalMessage, decode_message, encode_message
from tests.node.hostile import CHAIN, Attacker, network_of
from wire.codec import digest_of
from wire.errors import MalformedBytes, Oversize
from wire.ids import Lei
from wire.signing import SigningKey


def attacked() -> Attacker:
    founded, network = network_of(4, 1)
    attacker = Attacker(founded, network, 1)
    network.start()
    assert network.run(lambda: min(n.core.tip.height for n in attacker.honest) >= 3)
    return attacker


def bundle_of(count: int, text: str = "") -> Bundle:
    action = Transfer(CURRENCY, Lei("A"), Lei("B"), 1, text)
    entry = (KeySignature(bytes(32), bytes(64)),)
    return Bundle(tuple(Transaction("c", n, 9, action, entry) for n in range(count)))


def proposed(attacker: Attacker, bundle: Bundle) -> Proposed:
    made, _ = attacker._block()
    header = msgspec.structs.replace(
        made.header, transactions_root=records_root(bundle.transactions)
    )
    return msgspec.structs.replace(
        made, header=header, bundles=(BundlePart(digest_of(bundle), ()),)
    )


def test_a_request_from_a_height_that_no_database_holds_is_malformed() -> None:
    with pytest.raises(MalformedBytes):
        decode_message(encode_message(BlocksRequest(1 << 63, 1)))


def test_one_bundle_named_again_and_again_is_stopped_before_it_is_built() -> None:
    attacker, bundle = attacked(), bundle_of(4, "x" * 250_000)
    many = msgspec.structs.replace(
        proposed(attacker, bundle), bundles=(BundlePart(digest_of(bundle), ()),) * 5_000
    )
    with pytest.raises(Oversize):
        assembled(many, {digest_of(bundle): bundle})


def test_a_false_story_of_where_the_transactions_are_does_not_replace_the_true_one() -> None:
    pool, bundle = Mempool(), bundle_of(2)
    candidates, true = Candidates(pool), proposed(attacked(), bundle)
    ident = digest_of(("dcn/header/1", true.header))
    candidates.offered(true, "honest")
    candidates.offered(msgspec.structs.replace(true, bundles=()), "liar")
    assert candidates.assemble(ident) is None  # the lie is seen through, the truth waited for
    assert candidates.missing(ident) == [("honest", (digest_of(bundle),))]
    candidates.arrived(bundle, "liar")
    assert candidates.bundle(digest_of(bundle)) is None
    candidates.arrived(bundle, "honest")
    block = candidates.assemble(ident)
    assert block is not None
    assert block.transactions == bundle.transactions


def test_blocks_of_keys_that_are_nobodys_are_not_kept() -> None:
    attacker = attacked()
    node = attacker.honest[0]
    run = node.core.deciding.run
    for number in range(20):
        key = SigningKey(bytes([number]) * 32)
        made, _ = attacker._block()
        ident = digest_of(("dcn/header/1", made.header))
        offer = Proposal(run.height, 0, ident, -1, 5, key.public, b"")
        signature = key.sign(sign_bytes(CHAIN, offer))
        done = msgspec.structs.replace(offer, signature=signature)
        attacker.say(ProposalMessage(CarriedProposal(done, None), made), node)
        assert ident not in node.core.deciding.run.candidates


def test_one_vote_again_and_again_is_remembered_once_and_many_are_written_out() -> None:
    attacker = attacked()
    node = attacker.honest[0]
    run = node.core.deciding.run

    def vote(round_: int) -> Vote:
        made = Vote(VoteKind.PREVOTE, run.height, round_, None, 5, attacker.key.public, b"")
        signed = with_signature(made, attacker.key.sign(sign_bytes(CHAIN, made)))
        assert isinstance(signed, Vote)
        return signed

    attacker.say(vote(1), node)
    before = run.unlogged
    for _ in range(50):
        attacker.say(vote(1), node)
    assert run.unlogged == before
    for round_ in range(2, UNLOGGED_MAX + 50):
        attacker.say(vote(round_), node)
        assert run.unlogged < UNLOGGED_MAX
    assert node.core.deciding.run is run
