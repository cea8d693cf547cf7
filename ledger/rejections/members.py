"""Membership, keys and power."""

from wire.errors import Rejection


class UnknownMember(Rejection):
    """No member has this LEI."""

    code = "MEMBER_UNKNOWN"
    remedy = "Check the LEI; members are listed by `dcn account --members`."


class MemberNotActive(Rejection):
    """The member is not in a state in which it may do this."""

    code = "MEMBER_NOT_ACTIVE"
    remedy = "Wait until the member is active again, or wind the position down by the rules."


class NotATrader(Rejection):
    """A party of a trade takes part in the network, but not as a member that trades."""

    code = "TRADE_NOT_A_MEMBER"
    remedy = "Trade with members; oracles, regulators and issuers as such have no contracts."


class MemberExists(Rejection):
    """The LEI has applied or is a member already."""

    code = "MEMBER_EXISTS"
    remedy = "Look it up (`dcn account LEI`); a member changes its keys with RotateKey."


class BadApplication(Rejection):
    """An application or a key change contradicts itself."""

    code = "MEMBER_APPLICATION_INVALID"
    remedy = "Name each key and role once, and a seed chain exactly with a consensus key."


class KeyTaken(Rejection):
    """A key is on the ledger already; every key has one owner and one role for ever."""

    code = "KEY_TAKEN"
    remedy = "Make a new key."


class NotYourKey(Rejection):
    """The key to be replaced is not a key of this member and role."""

    code = "KEY_NOT_YOURS"
    remedy = "Name the key in use (`dcn keys`), or none if there has been none."


class NotAValidatorMember(Rejection):
    """The member has no consensus key, or no power, to do this with."""

    code = "VALIDATOR_NOT_ONE"
    remedy = "Register a consensus key with RotateKey first; power is given by a vote (SetPower)."


class BadPower(Rejection):
    """The validator set would be empty, too large, or have too much power."""

    code = "VALIDATOR_SET_INVALID"
    remedy = "Keep 1 to VALIDATORS_MAX validators and a total power below 2^60."


class WrongMemberState(Rejection):
    """The member is not in the state that this starts from."""

    code = "MEMBER_WRONG_STATE"
    remedy = "Admit applicants, suspend active members, reinstate suspended ones."


class NotOnWhiteList(Rejection):
    """The member's attestation has expired past its cure window, or has been revoked."""

    code = "MEMBER_NOT_ON_WHITE_LIST"
    remedy = "Have the attestation renewed; what it owes settles meanwhile, what it gets is kept."


class NotAnAttestor(Rejection):
    """Only attestors and the authority attest and revoke, and not for their own group."""

    code = "ATTESTOR_NOT_AUTHORISED"
    remedy = "Ask a member with the role ATTESTOR or REGULATOR outside the member's group."


class BadAttestation(Rejection):
    """An attestation names no file, an amount or a date that cannot be, or revokes twice."""

    code = "ATTESTATION_INVALID"
    remedy = (
        "Give the SHA-256 of the file and a date to come; the authority alone shortens what is "
        "in force."
    )


class CriterionMissing(Rejection):
    """The applicant does not fulfil a published criterion of admission."""

    code = "MEMBER_CRITERION_MISSING"
    remedy = "See the rulebook's membership chapter; have what is missing attested, then propose."


class StillOpen(Rejection):
    """The member has something open, and cannot leave before it is closed."""

    code = "MEMBER_STILL_OPEN"
    remedy = "Settle, close or withdraw each thing that the message names, then exit again."


class CoolingOff(Rejection):
    """The cooling-off after the resignation is not over."""

    code = "MEMBER_COOLING_OFF"
    remedy = "Exit at the height in the message, or later."


class KeyWaits(Rejection):
    """A recovered key does not sign for initial margin yet, or, vetoed, never."""

    code = "KEY_WAITS"
    remedy = "Wait for the height in the message; a vetoed key is replaced by another recovery."


class NotVetoable(Rejection):
    """The key is not waiting after a recovery, or the veto is not this member's."""

    code = "KEY_NOT_VETOABLE"
    remedy = "Owners of initial margin with the member, and authorities, veto while the key waits."
