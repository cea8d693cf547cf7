"""`dcn net explain` in numbers and words: `netting.explain` with the names of the members."""

from typing import Any, Final

import numpy as np

from netting.cycles import Cycle
from netting.explain import Bottleneck, Explained, Extent
from netting.graph import exact_sum, net_positions
from node.cli.net.modes import Posed, judge, prove
from node.cli.output import printable

SHOWN_MAX: Final = 10
"""Cycles, bottlenecks and debts told one by one; the rest is counted."""


class Why:
    """A file's result, ready for questions. Raises `CertificateRefused`."""

    def __init__(self, posed: Posed, seed: bytes, body: bytes) -> None:
        self._posed = posed
        self._judged = judge(posed, body, prove(posed, seed, body))
        self._explained = Explained(posed.graph, posed.ids, seed, body)
        self._edge = posed.edge

    def obligation(self, number: int) -> dict[str, Any]:
        """About the obligation of this number, from 0 on."""
        edge = int(self._edge[number])
        older = int((self._edge[:number] == edge).sum())
        pair = self._pair(edge)
        found: dict[str, Any] = {
            "obligation": number + 1,
            "amount": int(self._posed.debts.amount[number]),
            "cancelled": int(self._judged.cancelled[number]),
            "settled": int(self._judged.settled[number]),
            "pair": pair,
        }
        words = [
            f"Obligation {number + 1}: {_arrow(pair)} {found['amount']:,}, of which "
            f"{found['cancelled']:,} was cancelled without cash."
        ]
        if older or pair["owed"] != found["amount"]:
            words.append(
                f"  The pair owes {pair['owed']:,} in all; what is cancelled discharges the "
                f"oldest first, and {older} stand before this one."
            )
        return found | {"words": words + pair.pop("words")}

    def member(self, who: int) -> dict[str, Any]:
        """About all debts and claims of a member; those with most left one by one."""
        debts, judged = self._posed.debts, self._judged
        owes, owed = debts.debtor == who, debts.creditor == who
        left = debts.amount - judged.cancelled
        touching = np.flatnonzero(owes | owed)
        edges, first = np.unique(self._edge[touching], return_index=True)
        remains = np.zeros(len(edges), np.int64)
        np.add.at(remains, np.searchsorted(edges, self._edge[touching]), left[touching])
        chosen = np.lexsort((first, -remains))[:SHOWN_MAX]
        told_pairs = [self._pair(int(edges[place])) for place in chosen.tolist()]
        name = debts.labels[who]
        net = net_positions(len(debts.labels), debts.debtor, debts.creditor, debts.amount)
        figures = {
            "member": name,
            "owes": exact_sum(debts.amount[owes]),
            "owed": exact_sum(debts.amount[owed]),
            "net": int(net[who]),
            "cancelled_debts": exact_sum(judged.cancelled[owes]),
            "cancelled_claims": exact_sum(judged.cancelled[owed]),
            "left_to_pay": exact_sum(left[owes]),
            "left_to_receive": exact_sum(left[owed]),
            "pairs": len(edges),
        }
        words = [
            f"{name} owes {figures['owes']:,} and is owed {figures['owed']:,}: net "
            f"{figures['net']:,}, which netting does not change.",
            f"  Cancelled without cash: {figures['cancelled_debts']:,} of its debts and "
            f"{figures['cancelled_claims']:,} of its claims.",
        ]
        for pair in told_pairs:
            words += ["", f"{_arrow(pair)} {pair['owed']:,}:", *pair.pop("words")]
        if len(edges) > len(told_pairs):
            words += ["", f"... and {len(edges) - len(told_pairs):,} pairs with less left."]
        return figures | {"explained": told_pairs, "words": words}

    def _pair(self, edge: int) -> dict[str, Any]:
        """About all that one member owes another."""
        posed = self._posed
        labels, gross = posed.debts.labels, posed.gross
        found: dict[str, Any] = {
            "debtor": labels[gross.debtor[edge]],
            "creditor": labels[gross.creditor[edge]],
            "owed": int(gross.amount[edge]),
            "set_off": int(posed.rest.cancelled[edge]),
        }
        place = int(np.searchsorted(posed.rest.kept, edge))
        if place == len(posed.rest.kept) or posed.rest.kept[place] != edge:
            whole = {"in_cycles": 0, "left": 0, "extent": "all"}
            words = ["  All of it was set off against what the other owes back."]
            return found | whole | {"words": words}
        why = self._explained.edge(place)
        graph, ids = posed.graph, posed.ids
        debtor, creditor = int(graph.debtor[place]), int(graph.creditor[place])
        largest = sorted(why.cycles, key=lambda cycle: (-cycle.amount, cycle.members))
        found |= {
            "in_cycles": why.cancelled,
            "left": why.amount - why.cancelled,
            "extent": why.extent.name.lower(),
            "price": why.price,
            "cash_price": self._explained.cash_price(creditor, debtor),
            "cycle_count": len(why.cycles),
            "cycles": [
                {"members": [ids[i] for i in cycle.members], "amount": cycle.amount}
                for cycle in largest[:SHOWN_MAX]
            ],
            "within_reach": why.within_reach,
            "bottleneck_count": len(why.bottlenecks),
            "bottlenecks": [self._bottleneck(one) for one in why.bottlenecks[:SHOWN_MAX]],
        }
        return found | {"words": self._words(found, largest, why.extent)}

    def _bottleneck(self, stop: Bottleneck) -> dict[str, Any]:
        graph, ids = self._posed.graph, self._posed.ids
        return {
            "debtor": ids[graph.debtor[stop.edge]],
            "creditor": ids[graph.creditor[stop.edge]],
            "amount": int(graph.amount[stop.edge]),
            "price": stop.price,
        }

    def _words(self, pair: dict[str, Any], cycles: list[Cycle], extent: Extent) -> list[str]:
        debtor, creditor = pair["debtor"], pair["creditor"]
        words = []
        if pair["set_off"]:
            words.append(
                f"  {pair['set_off']:,} was set off against what {creditor} owes {debtor}."
            )
        if cycles:
            counted = "one cycle" if len(cycles) == 1 else f"{len(cycles):,} cycles"
            words.append(f"  {pair['in_cycles']:,} was cancelled in {counted}:")
            words += [f"    {self._circle(cycle)}" for cycle in cycles[:SHOWN_MAX]]
        if extent is Extent.ALL:
            words.append(
                f"  Nothing is left. One unit more owed here would free up to {pair['price']} more "
                "in all."
            )
            return words
        words.append(
            f"  {pair['left']:,} is left: following what is left on from {creditor} reaches "
            f"{_members(pair['within_reach'], creditor)}, and not {debtor}."
        )
        if pair["bottlenecks"]:
            words.append("  All that these owed to the others is cancelled already, namely")
            words += [
                f"    {one['debtor']} -> {one['creditor']} {one['amount']:,} (one unit more "
                f"there would free up to {one['price']})"
                for one in pair["bottlenecks"]
            ]
            if pair["bottleneck_count"] > SHOWN_MAX:
                words.append(f"    and {pair['bottleneck_count'] - SHOWN_MAX:,} more.")
        else:
            words.append("  None of them owes anything to anybody else: the chain ends there.")
        words.append(
            f"  One unit of cash lent to {debtor}, to end up with {creditor}, would free up to "
            f"{pair['cash_price']}."
        )
        return words

    def _circle(self, cycle: Cycle) -> str:
        names = [str(self._posed.ids[i]) for i in cycle.members]
        if len(names) > SHOWN_MAX:
            names[SHOWN_MAX // 2 : -SHOWN_MAX // 2] = [f"({len(names) - SHOWN_MAX} more)"]
        return f"{cycle.amount:,}: " + " -> ".join([*names, names[0]])


def told(found: dict[str, Any]) -> str:
    """The words, fit for a terminal."""
    return "\n".join(map(printable, found["words"]))


def _members(count: int, itself: str) -> str:
    return "nobody else" if count == 1 else f"{count:,} members, {itself} included"


def _arrow(pair: dict[str, Any]) -> str:
    return f"{pair['debtor']} owes {pair['creditor']}"
