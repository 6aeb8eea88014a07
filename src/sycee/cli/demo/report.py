"""The day's summary, as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from sycee.cli.demo.tie import Column
from sycee.cli.demo.till import Takings, Till
from sycee.kernel.money import Currency, Money

_OWN = ("payments", "captured", "refunded", "fees", "net")


def day(till: Till, columns: Sequence[Column], is_proved: bool, problems: Sequence[str]) -> str:
    """What happened, what the shop says beside what the platform says, and what differs."""
    return "\n".join(
        [
            *(f"{count:6}  {outcome}" for outcome, count in sorted(till.outcomes.items())),
            "",
            *_table(till, columns),
            "",
            *(f"WRONG {problem}" for problem in problems),
            _verdict(columns, is_proved, problems),
            "",
        ]
    )


def _table(till: Till, columns: Sequence[Column]) -> list[str]:
    heads = ["", *_OWN, *(column.name for column in columns)]
    rows = [
        [
            code,
            *_own(till.takings.get(code, Takings()), code),
            *(_amount(column.says.get(code, 0), code) for column in columns),
        ]
        for code in sorted(
            till.takings.keys() | {each for column in columns for each in column.says}
        )
    ]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    return [
        "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True))
        for row in (heads, *rows)
    ]


def _own(takings: Takings, code: Currency) -> list[str]:
    amounts = (takings.captured, takings.refunded, takings.fees, takings.net)
    return [str(takings.payments), *(_amount(minor, code) for minor in amounts)]


def _verdict(columns: Sequence[Column], is_proved: bool, problems: Sequence[str]) -> str:
    if problems:
        return f"{len(problems)} wrong."
    if not is_proved:
        return "The shop's sums tie to its balance. Name --data DIR to have the books proved too."
    if any(column.name == "ledger" for column in columns):
        return (
            "Every sum ties: the net to the balance, the ledger's turnover to twice what was"
            " captured\nand refunded and once the fees; and the books are right."
        )
    return "Every sum ties to the balance, and the books are right."


def _amount(minor: int, code: Currency) -> str:
    return str(Money(minor, code)).removesuffix(f" {code}")
