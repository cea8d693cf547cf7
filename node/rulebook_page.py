"""The rulebook as a text: clauses that a lawyer can read, the parameters in force filled in.

Every clause names the module that carries it out. `docs/RULEBOOK.md` is the text of the standard
rulebook: python -m node.rulebook_page > docs/RULEBOOK.md
"""

from collections.abc import Iterable
from typing import Final

from ledger import objects as o
from ledger.rulebook import standard
from node import rulebook_rights as rights
from node import rulebook_risk as risk
from node.rulebook_table import Clauses, parameters
from wire.ids import AssetCode


def page(rulebook: o.Rulebook) -> str:
    """The whole rulebook as Markdown, ending in one newline."""
    parts = [
        f"# Rulebook of {rulebook.service}, version {rulebook.version}\n\n{PREAMBLE}\n"
        f"Amounts are in minor units of {rulebook.currency}. Lengths are in blocks unless a day is "
        "named.\n"
    ]
    for chapter, (title, clauses) in enumerate(_chapters(rulebook), 1):
        parts.append(f"\n## {chapter}. {title}\n")
        for number, (text, home) in enumerate(clauses, 1):
            parts.append(f"\n**{chapter}.{number}** {text} (`{home}`)\n")
    parts.append(parameters(rulebook))
    return "".join(parts)


PREAMBLE: Final = """This text says what the ledger does. It is generated from the parameters in
force: where the two seem to differ, the ledger's code decides, and the difference is a defect of
this page. A change of a parameter is a new version (chapter 2); every decision's event names the
clause and the version that it rests on. The words are those of the glossary (docs/GLOSSARY.md)."""


def _chapters(rulebook: o.Rulebook) -> Iterable[tuple[str, Clauses]]:
    yield "Members", rights.members(rulebook)
    yield "Votes and amendments", rights.votes(rulebook)
    yield "Assets and accounts", rights.assets(rulebook)
    yield "Trades and contracts", rights.contracts(rulebook)
    yield "Variation margin", risk.variation(rulebook)
    yield "Initial margin", risk.initial(rulebook)
    yield "Netting and settlement", risk.netting(rulebook)
    yield "Default", risk.default(rulebook)
    yield "Losses and recoveries", risk.losses(rulebook)
    yield "Finality", rights.finality(rulebook)
    yield "Validators", rights.validators(rulebook)


if __name__ == "__main__":
    import sys

    sys.stdout.write(page(standard("EQUITY-FORWARD", AssetCode("USD"), 2)))
