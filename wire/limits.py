"""Every size and count limit, each with its reason. Sizes in bytes, amounts in minor units."""

from typing import Final

AMOUNT_MAX: Final = (1 << 62) - 1
"""|x| of every amount, sums included: two of them still add up inside int64."""

SET_BOUND_MAX: Final = AMOUNT_MAX >> 1
"""Most that a netting set's value may reach: value less what has settled stays an amount."""

QUANTITY_MAX: Final = (1 << 48) - 1
"""Units of an instrument in one trade: quantity * price must stay far below 2^127 in muldiv."""

PRICE_MAX: Final = (1 << 48) - 1
"""A price in units of the instrument's scale."""

FRAME_BYTES_MAX: Final = 4 << 20
"""One direct-stream frame. Above it py-libp2p's receive buffers dominate memory."""

GOSSIP_BYTES_MAX: Final = 1 << 20
"""One gossip message: gossipsub's limit on a whole RPC is 1 MiB, envelope included."""

BUNDLE_BYTES_MAX: Final = GOSSIP_BYTES_MAX - (16 << 10)
"""A bundle must fit one gossip message with its envelope."""

TRANSACTION_BYTES_MAX: Final = 256 << 10
"""One signed transaction; four of the largest still share a bundle."""

BLOCK_BYTES_MAX: Final = FRAME_BYTES_MAX - (64 << 10)
"""A full block must fit one frame, so that sync needs no chunks."""

BLOCK_TRANSACTIONS_MAX: Final = 20_000
"""Transactions of a block: bounds the time of one apply to seconds."""

BUNDLE_TRANSACTIONS_MAX: Final = 4_096
"""Transactions of a bundle: bounds the signatures checked for one gossip message."""

BATCH_TRADES_MAX: Final = 1_000
"""Trades of one TradeBatch: about 100 KB, under TRANSACTION_BYTES_MAX."""

SIGNATURES_MAX: Final = 8
"""Signatures on one transaction: a novation has three; bounds the work of checking one."""

NONCE_MAX: Final = (1 << 63) - 1
"""A transaction's nonce: random 63-bit numbers do not collide within a key's memory."""

VALID_UNTIL_HEIGHTS_MAX: Final = 10_000
"""How many blocks ahead a transaction's valid-until height may lie: bounds remembered nonces."""

VALIDATORS_MAX: Final = 100
"""Active validators: n^2 votes a round, and one commit in every header."""

POWER_TOTAL_MAX: Final = (1 << 60) - 1
"""Total voting power: rotation priorities, up to three times the total, still fit an int64."""

EXTENSION_BYTES_MAX: Final = 1 << 10
"""What a precommit may carry for the ledger: a hundred of them must leave room in a block."""

BATCH_LEGS_MAX: Final = 64
"""Legs of a settlement batch, which settles in one transition."""

CALENDAR_DATES_MAX: Final = 4_096
"""Business dates ahead: sixteen years in the network's row, which every block writes."""

EXPONENT_MAX: Final = 8
"""Digits of a minor unit: those of bitcoin; 10^8 times an amount stays far below 2^127."""

MEMBERS_MAX: Final = 100_000
"""Members of a network."""

TEXT_CHARS_MAX: Final = 128
"""Free text in a transaction (names, references)."""

ORACLE_MARKS_MAX: Final = 512
"""Marks of one SubmitOracle."""

CERTIFICATE_BYTES_MAX: Final = 2 << 20
"""A netting certificate in a block: 16 bytes a participant at MEMBERS_MAX, and a header."""

EVIDENCE_MAX: Final = 64
"""Pieces of evidence in one block."""

RECOVERY_SIGNATURES_MAX: Final = 10_000
"""Signatures of a recovery: a megabyte, which leaves room in its block; a network of more than
fifteen thousand members is recovered by a new genesis."""

ROUND_MAX: Final = (1 << 31) - 1
"""A consensus round; timers make it unreachable, so a larger one is an attack."""

HEIGHT_MAX: Final = (1 << 53) - 1
"""A block height; fits a JSON number."""

TIME_MS_MAX: Final = (1 << 53) - 1
"""Milliseconds since 1970-01-01 UTC; fits a JSON number."""
