"""`dcn net`: netting problems in files, as a user meets them."""

import csv
import random
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from node.cli.net.mode import Mode
from tests.cli.conftest import Answer, Dcn

MISSION = [("P1", "P2", 40), ("P1", "P3", 50), ("P3", "P2", 60)]
EXAMPLE = [("A", "B", 50), ("B", "A", 20), ("B", "C", 40), ("C", "A", 25), ("C", "D", 30)]
EXAMPLE += [("D", "B", 10)]  # the example of docs/NETTING.md
PARTED = [("u", "v", 10), ("v", "u", 10), ("v", "w", 10), ("w", "u", 10)]
HEAD = "debtor,creditor,amount\n"


def sheet(path: Path, rows: list[tuple[str, str, int]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        written = csv.writer(file)
        written.writerow(["debtor", "creditor", "amount"])
        written.writerows(rows)
    return path


def cash(path: Path, amounts: dict[str, int]) -> Path:
    lines = [f"{member},{amount}\n" for member, amount in amounts.items()]
    path.write_text("member,amount\n" + "".join(lines))
    return path


def solved(dcn: Dcn, file: Path, *more: object) -> dict[str, Any]:
    answer = dcn("net", "solve", file, "--json", *more)
    assert answer.code == 0, answer
    found: dict[str, Any] = answer.json()
    return found


def result(path: Path) -> dict[tuple[str, str], tuple[int, int, int]]:
    """(cancelled, settled, left) per pair of a file that `--result` wrote."""
    totals: dict[tuple[str, str], tuple[int, int, int]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            pair = row["debtor"], row["creditor"]
            numbers = (int(row["cancelled"]), int(row["settled"]), int(row["left"]))
            assert int(row["amount"]) == sum(numbers)
            assert min(numbers) >= 0
            old = totals.get(pair, (0, 0, 0))
            totals[pair] = (old[0] + numbers[0], old[1] + numbers[1], old[2] + numbers[2])
    return totals


def some_market(seed: int, members: int = 9, rows: int = 80) -> list[tuple[str, str, int]]:
    dice = random.Random(seed)
    names = [f"bank {i:x}" for i in range(members)]
    pairs = [dice.sample(names, 2) for _ in range(rows)]
    return [(a, b, dice.choice((1, 5, 10**13, 7_000))) for a, b in pairs]


# ------------------------------------------------------------------ modes
def test_the_mission_example_moves_100_and_p3_needs_only_10(dcn: Dcn, tmp_path: Path) -> None:
    file = sheet(tmp_path / "m.csv", MISSION)
    funded = cash(tmp_path / "cash.csv", {"P1": 90, "P3": 10})
    for more in (("--mode", "round"), ("--cash", funded)):
        found = solved(dcn, file, *more)
        assert found["mode"] == "round"
        assert (found["members"], found["obligations"], found["gross"]) == (3, 3, 150)
        assert (found["set_off"], found["cleared"], found["share"]) == (0, 0, 0.0)
        assert (found["cash_moved"], found["settled"]) == (100, 150)
        assert (found["failed"], found["liquidity_events"]) == ([], [])


def test_who_cannot_pay_in_failed_and_who_was_let_down_has_a_liquidity_event(
    dcn: Dcn, tmp_path: Path
) -> None:
    file = sheet(tmp_path / "m.csv", MISSION)
    short = cash(tmp_path / "cash.csv", {"P1": 89, "P3": 10, "nobody": 5})
    found = solved(dcn, file, "--cash", short, "--result", tmp_path / "out.csv")
    assert (found["failed"], found["liquidity_events"]) == (["P1"], ["P3"])
    assert found["cash_moved"] == 0
    assert {left for *_, left in result(tmp_path / "out.csv").values()} == {40, 50, 60}


def test_the_example_of_the_documentation_in_every_mode(dcn: Dcn, tmp_path: Path) -> None:
    file = sheet(tmp_path / "ex.csv", EXAMPLE)
    cycles = solved(dcn, file, "--result", tmp_path / "out.csv")
    assert cycles["mode"] == "cycles"
    assert (cycles["gross"], cycles["set_off"], cycles["cleared"]) == (175, 40, 145)
    assert (cycles["objective"], cycles["unique"], cycles["cycles"]) == ("optimal", True, 2)
    assert result(tmp_path / "out.csv")["A", "B"] == (45, 0, 5)
    in_a_round = solved(dcn, file, "--mode", "round")
    assert (in_a_round["cleared"], in_a_round["cash_moved"], in_a_round["settled"]) == (145, 20, 30)
    compressed = solved(dcn, file, "--mode", "compress")
    assert (compressed["set_off"], compressed["cleared"]) == (40, 145)
    free = cash(tmp_path / "tolerance.csv", dict.fromkeys("ABCD", 2**62 - 1))
    assert solved(dcn, file, "--mode", "compress", "--cash", free)["cleared"] == 175


def test_gross_mode_does_not_set_pairs_off_first(dcn: Dcn, tmp_path: Path) -> None:
    file = sheet(tmp_path / "parted.csv", PARTED)
    assert solved(dcn, file)["cleared"] == 20
    gross = solved(dcn, file, "--mode", "gross")
    assert (gross["cleared"], gross["set_off"], gross["cycles"]) == (30, 0, 1)


def test_gridlocked_payments_settle_whole_or_not_at_all(dcn: Dcn, tmp_path: Path) -> None:
    rows = [("A", "B", 10), ("B", "C", 10), ("C", "A", 10), ("C", "D", 500), ("C", "A", 3)]
    file = sheet(tmp_path / "queue.csv", rows)
    found = solved(dcn, file, "--mode", "gridlock", "--result", tmp_path / "out.csv")
    assert (found["order"], found["settled"], found["payments_settled"]) == ("fifo", 30, 3)
    assert (found["cleared"], found["cash_moved"]) == (30, 0)
    assert found["settled"] <= found["bound"]
    some = cash(tmp_path / "cash.csv", {"C": 3})
    more = solved(dcn, file, "--mode", "gridlock", "--cash", some, "--optimised")
    assert (more["settled"], more["cash_moved"], more["order"]) == (33, 3, "optimised")
    assert (more["settled_fifo"], more["settled_bypass"]) == (30, 33)


def test_cash_that_changes_nothing_is_said_to(dcn: Dcn, tmp_path: Path) -> None:
    file = sheet(tmp_path / "m.csv", MISSION)
    some = cash(tmp_path / "cash.csv", {"P1": 1})
    answer = dcn("net", "solve", file, "--cash", some, "--mode", "cycles", "--json")
    assert (answer.code, answer.json()["cash_moved"]) == (0, 0)
    assert "changes nothing" in answer.err


@pytest.mark.parametrize("mode", [*Mode])
def test_no_obligations_at_all_are_netted_too(dcn: Dcn, tmp_path: Path, mode: Mode) -> None:
    file = sheet(tmp_path / "none.csv", [])
    found = solved(dcn, file, "--mode", mode, "--certificate", tmp_path / "c")
    assert (found["members"], found["gross"], found["cleared"], found["share"]) == (0, 0, 0, 0.0)
    assert dcn("net", "check", file, tmp_path / "c").code == 0


def test_labels_are_any_text_and_amounts_add_up_beyond_64_bits_of_gross(
    dcn: Dcn, tmp_path: Path
) -> None:
    names = ['Bank "Größe", AG', "日本 銀行", "line\nbreak", "<b>&\x1b[31m"]
    ring = [(a, b, 10**13) for a, b in zip(names, [*names[1:], names[0]], strict=True)]
    file = sheet(tmp_path / "names.csv", ring * 3)
    bytes_ = file.read_bytes()
    file.write_bytes(b"\xef\xbb\xbf" + bytes_.replace(b"\r\n", b"\n") + b"\n\n")
    found = solved(dcn, file, "--plot", tmp_path / "p.svg")
    assert (found["members"], found["cleared"]) == (4, 12 * 10**13)
    assert dcn("net", "solve", file).code == 0
    assert "\x1b" not in dcn("net", "explain", file, "--obligation", "1").out
    assert ElementTree.parse(tmp_path / "p.svg").getroot().tag.endswith("svg")


# ------------------------------------------------------------------ solve, then check
@pytest.mark.parametrize("mode", [*Mode])
@pytest.mark.parametrize("seed", ["", "00ff"])
def test_what_solve_certifies_check_finds_again(
    dcn: Dcn, tmp_path: Path, mode: Mode, seed: str
) -> None:
    file = sheet(tmp_path / "f.csv", some_market(4))
    some = cash(tmp_path / "cash.csv", {"bank 1": 10**12, "bank 2": 5})
    made = tmp_path / "c"
    found = solved(dcn, file, "--mode", mode, "--seed", seed, "--certificate", made, "--cash", some)
    assert found["certificate_bytes"] == made.stat().st_size
    answer = dcn("net", "check", file, made, "--cash", some, "--json")
    assert answer.code == 0, answer
    assert answer.json()["valid"] is True
    assert answer.json()["cleared"] == found["cleared"]
    named = dcn("net", "check", file, made, "--cash", some, "--seed", seed, "--mode", mode)
    assert named.code == 0


def refused(answer: Answer) -> None:
    assert answer.code == 1, answer
    assert answer.json()["valid"] is False
    assert answer.json()["code"] == "NET_CERTIFICATE_REFUSED"


@pytest.mark.parametrize("mode", [*Mode])
def test_a_certificate_of_other_inputs_is_refused(dcn: Dcn, tmp_path: Path, mode: Mode) -> None:
    rows = some_market(5)
    file, made = sheet(tmp_path / "f.csv", rows), tmp_path / "c"
    some = cash(tmp_path / "cash.csv", {"bank 1": 10**6})
    solved(dcn, file, "--mode", mode, "--certificate", made, "--cash", some)
    other_amount = [(*rows[0][:2], rows[0][2] - 1 or 2), *rows[1:]]
    names = {"bank 0": "bank X"}
    other_name = [(names.get(a, a), names.get(b, b), owed) for a, b, owed in rows]
    one_less = rows[1:]
    for number, other in enumerate((other_amount, other_name, one_less)):
        changed = sheet(tmp_path / f"{number}.csv", other)
        refused(dcn("net", "check", changed, made, "--cash", some, "--json"))
    named = ("net", "check", file, made, "--cash", some, "--json")
    refused(dcn(*named, "--seed", "01"))
    refused(dcn(*named, "--mode", "cycles" if mode is not Mode.CYCLES else "gross"))
    if mode in (Mode.GRIDLOCK, Mode.COMPRESS):
        refused(dcn("net", "check", file, made, "--json"))


def test_acyclic_markets_do_not_share_certificates(dcn: Dcn, tmp_path: Path) -> None:
    """Zero potentials would pass on both: the file says what it is about."""
    made = tmp_path / "c"
    solved(dcn, sheet(tmp_path / "1.csv", [("A", "B", 5)]), "--certificate", made)
    refused(dcn("net", "check", sheet(tmp_path / "2.csv", [("A", "B", 6)]), made, "--json"))


@pytest.mark.parametrize("mode", [Mode.CYCLES, Mode.GRIDLOCK])
def test_a_tampered_certificate_is_refused_or_proves_the_same(
    dcn: Dcn, tmp_path: Path, mode: Mode
) -> None:
    file, made = sheet(tmp_path / "f.csv", some_market(6)), tmp_path / "c"
    found = solved(dcn, file, "--mode", mode, "--seed", "ab", "--certificate", made)
    good, bad = made.read_bytes(), tmp_path / "bad"
    dice = random.Random(1)
    refusals = 0
    for _ in range(60):
        place = dice.randrange(len(good))
        bad.write_bytes(
            good[:place] + bytes([good[place] ^ (1 << dice.randrange(8))]) + good[place + 1 :]
        )
        answer = dcn("net", "check", file, bad, "--json")
        told = answer.json()
        refusals += not told["valid"]
        assert answer.code == (0 if told["valid"] else 1)
        # A smaller choice of payments is a choice, too; nothing else can differ.
        assert told["cleared"] in (None, found["cleared"]) or mode is Mode.GRIDLOCK
    assert refusals > 30
    for cut in (0, 4, 6, 20, len(good) - 1):
        bad.write_bytes(good[:cut])
        refused(dcn("net", "check", file, bad, "--json"))
    bad.write_bytes(good + b"\0")
    refused(dcn("net", "check", file, bad, "--json"))
    bad.write_bytes(good[:-1] + b"\xff" * (3 << 20))
    refused(dcn("net", "check", file, bad, "--json"))


@pytest.mark.parametrize("mode", [Mode.CYCLES, Mode.GROSS, Mode.ROUND, Mode.COMPRESS])
def test_the_order_of_the_lines_changes_no_flow_and_no_byte(
    dcn: Dcn, tmp_path: Path, mode: Mode
) -> None:
    rows = some_market(7)
    shuffled = random.Random(2).sample(rows, len(rows))
    found = []
    for name, order in (("1", rows), ("2", shuffled)):
        file = sheet(tmp_path / f"{name}.csv", order)
        outputs = ("--certificate", tmp_path / f"{name}.c", "--result", tmp_path / f"{name}.out")
        figures = solved(dcn, file, "--mode", mode, *outputs)
        figures.pop("solve_s")
        certificate = (tmp_path / f"{name}.c").read_bytes()
        found.append((figures, certificate, result(tmp_path / f"{name}.out")))
    assert found[0] == found[1]


def test_other_names_for_the_members_clear_as_much(dcn: Dcn, tmp_path: Path) -> None:
    rows = some_market(8)
    renamed = [(f"Z{9 - int(a[5:], 16)}", f"Z{9 - int(b[5:], 16)}", owed) for a, b, owed in rows]
    one = solved(dcn, sheet(tmp_path / "1.csv", rows))
    other = solved(dcn, sheet(tmp_path / "2.csv", renamed))
    assert (one["cleared"], one["set_off"]) == (other["cleared"], other["set_off"])


# ------------------------------------------------------------------ bad input
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1"),
        ("debtor,creditor\nA,B\n", "line 1"),
        ("creditor,debtor,amount\nA,B,1\n", "line 1"),
        ("A,B,1\n", "line 1"),
        (HEAD + "A,B,1\nA,B\n", "line 3: 2 columns"),
        (HEAD + "A,B,1,x\n", "line 2: 4 columns"),
        (HEAD + "A,B,1\n\nA,A,1\n", "line 4: 'A' owes itself"),
        (HEAD + "A,B,0\n", "line 2: amount '0'"),
        (HEAD + "A,B,-5\n", "line 2: amount '-5'"),
        (HEAD + "A,B,1.5\n", "line 2: amount '1.5'"),
        (HEAD + "A,B,1e3\n", "line 2: amount '1e3'"),
        (HEAD + "A,B,1_000\n", "line 2: amount '1_000'"),
        (HEAD + "A,B,\n", "line 2: amount ''"),
        (HEAD + "A,B,٣\n", "line 2: amount"),
        (HEAD + "A,B,nan\n", "line 2: amount 'nan'"),
        (HEAD + f"A,B,{10**13 + 1}\n", "line 2: amount"),
        (HEAD + f"A,B,{'0' * 5000}5\n", "line 2: amount"),
        (HEAD + f"A,B,{2**70}\n", "line 2: amount"),
        (HEAD + ",B,1\n", "line 2: a member without a name"),
        (HEAD + "A,B,1\nA,,1\n", "line 3: a member without a name"),
        (HEAD + '"A\nA",B,1\nC,C,1\n', "line 4: 'C' owes itself"),
        (HEAD + '"A"x,B,1\n', "line 2"),
        (HEAD + '"A,B,1\n', "line 2"),
    ],
)
def test_a_bad_sheet_is_refused_whole_and_the_line_named(
    dcn: Dcn, tmp_path: Path, text: str, told: str
) -> None:
    file, made = tmp_path / "bad.csv", tmp_path / "c"
    file.write_text(text, encoding="utf-8")
    answer = dcn("net", "solve", file, "--certificate", made, "--json")
    assert (answer.code, answer.json()["code"]) == (3, "NET_SHEET_INVALID"), answer
    assert told in answer.json()["detail"]
    assert not made.exists()


def test_what_is_not_text_is_refused_with_its_line(dcn: Dcn, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(HEAD.encode() + b"A,B,1\nA,\xff,1\n")
    answer = dcn("net", "solve", file, "--json")
    assert answer.json()["detail"].endswith("line 3: not UTF-8")


@pytest.mark.parametrize("line", ["P1,-1", "P1,x", "P1", ",4", f"P1,{2**62}", "P3,1\nP3,1"])
def test_bad_cash_is_refused_with_its_line(dcn: Dcn, tmp_path: Path, line: str) -> None:
    file, bad = sheet(tmp_path / "m.csv", MISSION), tmp_path / "cash.csv"
    bad.write_text(f"member,amount\nP2,0\n{line}\n")
    answer = dcn("net", "solve", file, "--cash", bad, "--json")
    assert (answer.code, answer.json()["code"]) == (3, "NET_SHEET_INVALID")
    assert f"line {3 + line.count(chr(10))}" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (["solve", "{file}.none"], 3),
        (["solve", "{file}", "--seed", "xyz"], 2),
        (["solve", "{file}", "--seed", "00" * 65], 2),
        (["solve", "{file}", "--mode", "best"], 2),
        (["solve", "{file}", "--optimised"], 2),
        (["solve", "{file}", "--certificate", "{file}/c"], 3),
        (["check", "{file}"], 2),
        (["check", "{file}", "{file}.none"], 3),
        (["check", "{file}", "{file}"], 1),
        (["explain", "{file}"], 2),
        (["explain", "{file}", "--member", "P1", "--obligation", "1"], 2),
        (["explain", "{file}", "--member", "P9"], 2),
        (["explain", "{file}", "--obligation", "4"], 2),
        (["explain", "{file}", "--obligation", "0"], 2),
        (["explain", "{file}", "--obligation", "1", "--mode", "gridlock"], 2),
        (["generate", "star", "--members", "3", "--obligations", "3", "--out", "{file}2"], 2),
        (["generate", "ring", "--members", "9", "--obligations", "3", "--out", "{file}2"], 2),
        (["generate", "ring", "--members", "1", "--obligations", "3", "--out", "{file}2"], 2),
    ],
)
def test_a_mistake_has_its_exit_code(
    dcn: Dcn, tmp_path: Path, words: list[str], exit_code: int
) -> None:
    file = sheet(tmp_path / "m.csv", MISSION)
    answer = dcn("net", *(word.format(file=file) for word in words))
    assert answer.code == exit_code, answer
    assert not Path(f"{file}2").exists()


# ------------------------------------------------------------------ explain, generate, plot
def test_an_obligation_is_explained_by_its_cycle_and_its_bottleneck(
    dcn: Dcn, tmp_path: Path
) -> None:
    file = sheet(tmp_path / "ex.csv", EXAMPLE)
    found = dcn("net", "explain", file, "--obligation", "1", "--json").json()
    pair = found["pair"]
    assert (found["amount"], found["cancelled"]) == (50, 45)
    assert (pair["set_off"], pair["in_cycles"], pair["left"]) == (20, 25, 5)
    assert pair["cycles"] == [{"members": ["A", "B", "C"], "amount": 25}]
    assert [(one["debtor"], one["creditor"]) for one in pair["bottlenecks"]] == [("C", "A")]
    said = dcn("net", "explain", file, "--obligation", "1").out
    assert "45 was cancelled" in said
    assert "C -> A 25" in said
    set_off = dcn("net", "explain", file, "--obligation", "2", "--json").json()
    assert (set_off["cancelled"], set_off["pair"]["left"]) == (20, 0)


def test_a_member_is_explained_pair_by_pair(dcn: Dcn, tmp_path: Path) -> None:
    file = sheet(tmp_path / "ex.csv", EXAMPLE)
    found = dcn("net", "explain", file, "--member", "C", "--json").json()
    assert (found["owes"], found["owed"], found["net"]) == (55, 40, -15)
    assert (found["left_to_pay"], found["left_to_receive"]) == (20, 5)
    assert [pair["left"] for pair in found["explained"]] == [20, 5, 0]
    mission = sheet(tmp_path / "m.csv", MISSION)
    said = dcn("net", "explain", mission, "--member", "P2").out
    assert "the chain ends there" in said


def test_oldest_obligations_of_a_pair_are_discharged_first(dcn: Dcn, tmp_path: Path) -> None:
    rows = [("A", "B", 4), ("A", "B", 4), ("B", "A", 5)]
    file = sheet(tmp_path / "f.csv", rows)
    found = [dcn("net", "explain", file, "--obligation", n, "--json").json() for n in (1, 2)]
    assert [one["cancelled"] for one in found] == [4, 1]


@pytest.mark.parametrize("shape", ["core-periphery", "trade-credit", "ring", "adversarial"])
def test_generated_markets_have_the_size_asked_for_and_repeat(
    dcn: Dcn, tmp_path: Path, shape: str
) -> None:
    contents = []
    for name, seed in (("1", 5), ("2", 5), ("3", 6)):
        sizes = ("--members", 40, "--obligations", 300, "--seed", seed)
        answer = dcn("net", "generate", shape, *sizes, "--out", tmp_path / name)
        assert answer.code == 0, answer
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1] != contents[2]
    found = solved(dcn, tmp_path / "1", "--certificate", tmp_path / "c")
    assert (found["obligations"], found["objective"]) == (300, "optimal")
    assert dcn("net", "check", tmp_path / "1", tmp_path / "c").code == 0


@pytest.mark.parametrize("members", [4, 300])
def test_the_picture_shows_both_halves(dcn: Dcn, tmp_path: Path, members: int) -> None:
    sizes = ("--members", members, "--obligations", 600, "--out", tmp_path / "f.csv")
    assert dcn("net", "generate", "trade-credit", *sizes).code == 0
    solved(dcn, tmp_path / "f.csv", "--plot", tmp_path / "p.svg")
    root = ElementTree.parse(tmp_path / "p.svg").getroot()
    text = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any(line.startswith("Before: ") for line in text)
    assert any(line.startswith("After: ") for line in text)
    circles = list(root.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(circles) == 2 * min(members, 24)
    assert any(line.endswith(" others") for line in text) is (members == 300)
