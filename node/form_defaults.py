"""What a script may leave out of bilateral terms: the plainest choice of each field."""

from typing import Any, Final

from ledger import objects as o

DEFAULTS: Final[dict[type, dict[str, Any]]] = {
    o.CurrencyTerms: {
        "threshold_first": 0,
        "threshold_second": 0,
        "minimum_transfer_amount": 0,
        "rounding_unit": 1,
        "interest_bps": 0,
        "interest_feed": None,
        "day_basis": 360,
    },
    o.EligibleAsset: {"haircut_bps": 0, "feed": None},
    o.ImTerms: {
        "model": o.ImModel.FIXED,
        "fixed_first": 0,
        "fixed_second": 0,
        "confidence_bps": 9_900,
        "look_back": 250,
        "horizon": 10,
        "tool": o.Procyclicality.BUFFER,
        "stress_bps": 2_500,
        "stress_from": None,
        "stress_to": None,
        "long_look_back": 2_500,
        "rise_bps_max": 0,
    },
    o.Csa: {
        "mode": o.CsaMode.SETTLED,
        "currencies": (),
        "eligible": (),
        "grace_blocks": 10,
        "cut_off_blocks": 0,
        "mark_source": o.MarkSource.ORACLES,
        "mark_tolerance": 0,
        "oracles": (),
        "guarantors": (),
        "legal_text_hash": bytes(32),
        "governing_law": "English law",
        "opinion": None,
        "title_transfer": True,
    },
}
