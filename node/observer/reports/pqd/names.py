"""The disclosure's numbers and names, and which of them do not apply to this network.

CPMI-IOSCO, *Public quantitative disclosure standards for central counterparties*, February 2015
(CPMI paper 125); names are shortened where the standard's are a paragraph.
"""

from typing import Final

NAMES: Final = {
    "4.1.1": "Prefunded: own capital before",
    "4.1.4": "Prefunded: aggregate participant contributions, required",
    "4.1.5": "Prefunded: aggregate participant contributions, post-haircut posted",
    "4.3.14": "Value of pre-funded default resources: other",
    "4.3.15": "Value of pre-funded default resources: in total",
    "4.4.1": "Minimum Cover 1 or Cover 2 requirement for pre-funded default resources",
    "4.4.3": "Estimated largest aggregate stress loss, default of any single participant and its "
    "affiliates",
    "4.4.4": "Business days on which 4.4.3 exceeded actual pre-funded default resources",
    "4.4.5": "The amount by which 4.4.3 exceeded actual pre-funded default resources",
    "4.4.6": "Actual largest aggregate credit exposure to any single participant and its "
    "affiliates",
    "4.4.7": "Estimated largest aggregate stress loss, default of any two participants and their "
    "affiliates",
    "4.4.8": "Business days on which 4.4.7 exceeded actual pre-funded default resources",
    "4.4.9": "The amount by which 4.4.7 exceeded actual pre-funded default resources",
    "4.4.10": "Actual largest aggregate credit exposure to any two participants and their "
    "affiliates",
    "6.1.1": "Total initial margin required",
    "6.2.15": "Total initial margin held",
    "6.4.1": "Type of initial margin model used",
    "6.5.1": "Times that margin coverage fell below the actual mark-to-market exposure",
    "6.5.2": "Frequency of daily back-testing result measurements",
    "6.5.3": "Number of observations",
    "6.5.4": "Achieved coverage level",
    "6.5.5": "Size of uncovered exposure where coverage was breached",
    "6.6.1": "Average total variation margin paid by participants each business day",
    "6.7.1": "Maximum total variation margin paid on any given business day",
    "6.8.1": "Maximum aggregate initial margin call on any given business day",
    "7.3.3": "Actual largest payment obligation of a single participant and its affiliates",
    "13.1.1": "Amount of loss versus amount of initial margin",
    "13.1.2": "Amount of other financial resources used to cover losses",
    "13.1.3": "Proportion of client positions closed out or ported",
    "14.1.1": "Total client positions held in individually segregated accounts",
    "16.1.1": "Total cash received from participants as initial margin",
    "16.1.2": "Total cash received from participants as default fund contribution",
    "17.2.1": "Actual availability of the core system over the previous twelve months",
    "17.3.1": "Number and duration of failures affecting the core system over the previous twelve "
    "months",
    "18.1.1": "Number of clearing members",
    "18.2.1": "Open positions of the largest five members, ten or more but fewer than 25 members",
    "18.2.2": "Open positions of the largest five members, 25 or more members",
    "18.2.3": "Open positions of the largest ten members, 25 or more members",
    "18.3.1": "Initial margin posted by the largest five members, ten or more but fewer than 25",
    "18.3.2": "Initial margin posted by the largest five members, 25 or more members",
    "18.3.3": "Initial margin posted by the largest ten members, 25 or more members",
    "18.4.1": "Default fund contributions of the largest five members, ten or more but fewer than "
    "25",
    "18.4.2": "Default fund contributions of the largest five members, 25 or more members",
    "18.4.3": "Default fund contributions of the largest ten members, 25 or more members",
    "19.1.1": "Number of clients, if known",
    "19.1.2": "Number of direct members that clear for clients",
    "19.1.3": "Client transactions attributable to the top five members, ten or more members",
    "19.1.4": "Client transactions attributable to the top ten members, 25 or more members",
    "23.1.1": "Average daily volumes by asset class, currency, and OTC or exchange-traded",
    "23.1.2": "Average daily notional value of trades cleared by asset class, currency, and OTC or "
    "exchange-traded",
    "23.2.1": "Gross notional outstanding by asset class and currency",
    "23.3.1": "Average daily volumes submitted, by execution facility",
    "23.3.2": "Average daily notional values submitted, by execution facility",
}
"""Of the fields that are disclosed."""

NO_CCP: Final = "there is no central counterparty that could hold or commit it"

NOT_APPLICABLE: Final = {
    "4.1.2": "own capital has one place in the rulebook's order of tranches: it is under 4.1.1",
    "4.1.3": "as 4.1.2",
    "4.1.6": "nothing else is prefunded",
    "4.1.7-4.1.10": "nothing is committed beyond what is paid in",
    "4.2.1": "hypothetical capital is that of a central counterparty",
    "4.3.1-4.3.13": "resources are settlement tokens: what stands behind a token, its issuer says",
    "4.4.2": "a book is closed out at one price window of the rulebook, in blocks and not in days",
    "5.1.1, 5.2.1": "eligible assets and haircuts are agreed by each two parties within the bounds "
    "of the rulebook (`dcn rulebook`)",
    "5.3": "haircuts are agreed, not estimated by a model",
    "6.2.1-6.2.14": "custody holds tokens: what stands behind a token, its issuer says",
    "6.3.1": "no rates are set by contract: terms and the standard schedule are in the rulebook",
    "7.1, 7.2, 7.3.1, 7.3.2, 7.3.4-7.3.7": "nobody pays in a participant's place, so there are no "
    "liquid resources to size: a round without the money is solved again without that participant",
    "12.1, 12.2": "every exchange of value settles whole or not at all, in one block; the store "
    "keeps no values by mechanism",
    "13.1.4": "the case itself is published: see the view Cases",
    "14.1.2-14.1.4": "every client account is segregated by itself: it is under 14.1.1",
    "15.1-15.3": "there is no operator whose business could fail, and no income but the fees that "
    "the rulebook names",
    "16.2, 16.3": "nothing that participants have paid in is invested or used again",
    "17.1.1": "no target is set by the rulebook",
    "17.4.1": "no recovery time is set by the rulebook: docs/RECOVERY.md has what a recovery takes",
    "18.1.2, 18.1.3": "the register of members has their parents and roles, not their kind of "
    "business or their country",
    "20.1-20.7": "there are no links",
}
"""Numbers, and why they do not apply."""
