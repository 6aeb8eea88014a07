"""``ledger``: its tables, and what it does when the platform breaks off."""

from __future__ import annotations

import io
import json
import threading
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sycee.cli.ledger.table import Minor, show
from sycee.cli.progress import Progress
from tests.cli.ran import environment, ran

COLUMNS = ("account", "currency", "balance")
ROWS = [("wallet", "USD", Minor(-1250)), ("w", "JPY", Minor(7)), ("b", "KWD", None)]


def shown(capsys, rows, **forms) -> str:
    show(Namespace(**{"json": False, "csv": False, **forms}), COLUMNS, rows, 1)
    return capsys.readouterr().out


def test_people_see_amounts_with_their_point(capsys):
    assert shown(capsys, ROWS) == (
        "account  currency  balance\n"
        "wallet   USD        -12.50\n"
        "w        JPY             7\n"
        "b        KWD\n"
    )


def test_machines_see_minor_units(capsys):
    assert shown(capsys, ROWS, csv=True).splitlines()[1:] == [
        "wallet,USD,-1250",
        "w,JPY,7",
        "b,KWD,",
    ]
    assert json.loads(shown(capsys, ROWS, json=True))[0] == {
        "account": "wallet",
        "currency": "USD",
        "balance": -1250,
    }


def test_an_empty_table_has_its_heading(capsys):
    assert shown(capsys, []) == "account  currency  balance\n"
    assert json.loads(shown(capsys, [], json=True)) == []


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_without_a_known_end_is_a_number():
    seen = Terminal()
    with Progress("export", seen) as progress:
        progress.at(4096, 0)
    assert "export 4096" in seen.getvalue()


class Scripted(BaseHTTPRequestHandler):
    """A platform that says what it was told to, once per request."""

    answers: list[tuple[int, bytes, bool]]
    asked: list[tuple[str, bytes]]

    def do_GET(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        self.asked.append((self.path, self.rfile.read(size)))
        status, body, is_whole = self.answers.pop(0)
        self.protocol_version = "HTTP/1.1"
        self.send_response(status)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(body), body))
        if is_whole:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def platform(*answers: tuple[int, bytes, bool]) -> Iterator[tuple[dict[str, str], list]]:
    """Where it is, and what it is asked."""
    kind = type("Told", (Scripted,), {"answers": list(answers), "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield {"SYCEE_URL": url, "SYCEE_KEY": "sk_test_1"}, kind.asked
    finally:
        server.shutdown()
        server.server_close()


def progress(lines: int, is_done: bool = False) -> bytes:
    return json.dumps(
        {"lines": lines, "accounts": 0, "transactions": 1, "is_done": is_done}
    ).encode()


UNKNOWN = (404, b'{"code":"not_found","message":"No such import: x"}', True)


def test_an_export_that_breaks_off_leaves_no_file(tmp_path: Path):
    with platform((200, b"half", False)) as (where, _):
        ended = ran(tmp_path, "ledger", "export", "-o", "books.jsonl", **where)
    assert ended.returncode == 2 and "broke off" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_is_whole_replaces_the_file(tmp_path: Path):
    (tmp_path / "books.jsonl").write_text("old")
    with platform((200, b"whole", True)) as (where, asked):
        ended = ran(tmp_path, "ledger", "export", "-o", "books.jsonl", **where)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "books.jsonl").read_text() == "whole"
    assert asked[0][0] == "/api/ledger/export?format=jsonl"


def test_an_export_to_nowhere_is_told(tmp_path: Path):
    with platform((200, b"whole", True)) as (where, _):
        ended = ran(tmp_path, "ledger", "export", "-o", "absent/books.jsonl", **where)
    assert (ended.returncode, ended.stderr) == (
        2,
        "sycee: absent/books.jsonl cannot be written: No such file or directory\n",
    )


def test_an_import_goes_on_where_it_ended(tmp_path: Path):
    (tmp_path / "b.csv").write_text("one\ntwo\nthree\n")
    known = (200, progress(2), True)
    with platform(known, (200, progress(3, True), True)) as (where, asked):
        ended = ran(tmp_path, "ledger", "import", "b.csv", "--id", "x", **where)
    assert ended.returncode == 0, ended.stderr
    path, body = asked[1]
    assert body == b"three\n"
    assert path.endswith("/imports/x?format=csv&first_line=3&is_last=true")


def test_a_long_import_goes_in_pieces_and_no_line_is_lost(tmp_path: Path):
    lines = [b"%d\n" % place for place in range(2500)]
    (tmp_path / "b.csv").write_bytes(b"".join(lines))
    # Of the first piece one line is kept for the next; of the second nothing fits.
    told = [(200, progress(count, count == 2500), True) for count in (999, 999, 2500)]
    with platform(UNKNOWN, *told) as (where, asked):
        ended = ran(tmp_path, "ledger", "import", "b.csv", "--id", "x", **where)
    assert ended.returncode == 0, ended.stderr
    assert [body.count(b"\n") for _, body in asked[1:]] == [1000, 1000, 1501]
    assert asked[3][1] == b"".join(lines[999:])
    assert "is_last=true" in asked[3][0] and "is_last=false" in asked[2][0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("import", "b.txt", "--id", "x"), "How b.txt is written is not known"),
        (("import", "absent.csv", "--id", "x"), "absent.csv cannot be read"),
        (("statement", "w", "usd"), "does not answer"),
        (("export",), "the answer broke off"),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path: Path, words, says):
    nowhere = {"SYCEE_URL": "http://127.0.0.1:9", "SYCEE_KEY": "sk_test_1"}
    ended = ran(tmp_path, "ledger", *words, **nowhere)
    assert ended.returncode == 2
    assert says in ended.stderr and ended.stderr.count("\n") == 1


def test_the_standard_input_is_imported(tmp_path: Path):
    import subprocess

    from tests.cli.ran import command

    with platform(UNKNOWN, (200, progress(1, True), True)) as (where, asked):
        ended = subprocess.run(
            command("ledger", "import", "-", "--id", "x", "--format", "csv"),
            input=b"one",
            capture_output=True,
            cwd=tmp_path,
            env=environment(**where),
            timeout=60,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr
    assert asked[1][1] == b"one"
