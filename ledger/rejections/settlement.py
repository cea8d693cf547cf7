"""Settlement batches."""

from wire.errors import Rejection


class BadSettlementBatch(Rejection):
    """A settlement batch has no legs, too many, or a leg that cannot be."""

    code = "BATCH_INVALID"
    remedy = "Name 1 to BATCH_LEGS_MAX legs between two members each, and take part in one of them."


class BatchExists(Rejection):
    """The creator has used this reference for a batch before."""

    code = "BATCH_EXISTS"
    remedy = "Choose another reference."


class UnknownBatch(Rejection):
    """The creator has no batch of this reference."""

    code = "BATCH_UNKNOWN"
    remedy = "Check creator and reference."


class BatchClosed(Rejection):
    """The batch is irrevocable, settled or cancelled."""

    code = "BATCH_CLOSED"
    remedy = "Nothing final is undone; instruct a new batch the other way."


class NotAParty(Rejection):
    """The member has no leg of the batch that this is about, or has done it already."""

    code = "BATCH_NOT_A_PARTY"
    remedy = "Senders allocate, receivers approve, each once."
