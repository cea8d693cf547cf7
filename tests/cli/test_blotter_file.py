"""A blotter that a spreadsheet has saved."""

from pathlib import Path

from node.blotter import COLUMNS, read_blotter

ROW = "DCNMEMBER00000000107T1,DCNMEMBER00000000107,DCNMEMBER00000000204,FWD-AA,5,7,20240102,OTC,"


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    file = tmp_path / "blotter.csv"
    file.write_bytes(f"{','.join(COLUMNS)}\r\n{ROW}\r\n".encode("utf-8-sig"))
    (trade,) = read_blotter(file)
    assert trade.quantity == 5
