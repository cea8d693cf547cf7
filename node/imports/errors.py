"""Why an entry of an imported file makes no trade. The detail names the field."""

from wire.errors import Rejection


class ImportUnreadable(Rejection):
    """The file, or a part of it, is not of the format named."""

    code = "IMPORT_UNREADABLE"
    remedy = "Name the right --format: csv with a header line, fix with SOH between fields, fpml."


class FieldWrong(Rejection):
    """A field is missing, or holds what a trade cannot have."""

    code = "IMPORT_FIELD"
    remedy = "Correct the field named, in the system that wrote the file; docs/API.md lists them."


class NotSupported(Rejection):
    """A message, version or product that imports do not read."""

    code = "IMPORT_NOT_SUPPORTED"
    remedy = "Read are new trades: FIX 4.4 and 5.0 AE, FpML 5 equityForward and fxSingleLeg."


class InstrumentUnknown(Rejection):
    """The ledger has no instrument of this name or these terms."""

    code = "IMPORT_INSTRUMENT_UNKNOWN"
    remedy = "Give its name in `--map`, or have the members list it (`dcn governance`)."


class TermsDiffer(Rejection):
    """The file gives the instrument other terms than the ledger."""

    code = "IMPORT_TERMS_DIFFER"
    remedy = "Trade the instrument that has these terms, or have it listed; nothing is rounded."


class NotOurs(Rejection):
    """The member whose file this is, is no party of the trade."""

    code = "IMPORT_NOT_OURS"
    remedy = "Import it at the node of one of its parties."


class Twice(Rejection):
    """The file has this UTI before."""

    code = "IMPORT_TWICE"
    remedy = "Leave one of the two out: a UTI is one trade."
