"""The tester of documents, on small documents of its own: what is true passes, a lie does not."""

import os

import pytest

from tests.docs.blocks import Block, Command, Untrue, agrees, blocks, commands, parse, run

SAMPLE = """# A sample

```json
{"a": 1}
```

1. A list:

   ```console
   $ echo one
   one
   ```

~~~text
```python
no code
~~~
"""


def block(language, text):
    return Block("sample.md", 1, language, text)


def ran(language, text, folder, **environment):
    run(block(language, text), folder, {**os.environ, **environment})


def test_blocks_are_found_with_their_place_and_without_their_indent():
    assert blocks("sample.md", SAMPLE) == [
        Block("sample.md", 3, "json", '{"a": 1}'),
        Block("sample.md", 9, "console", "$ echo one\none"),
        Block("sample.md", 14, "text", "```python\nno code"),
    ]


def test_a_block_that_does_not_end_is_untrue():
    with pytest.raises(Untrue, match=r"sample.md:1"):
        blocks("sample.md", "```sh\nexit 0\n")


def test_commands_go_on_after_a_backslash_and_then_answer():
    assert commands(block("console", "$ echo \\\n  a\na\n\nb\n$ true")) == [
        Command("echo \\\n  a", "a\n\nb"),
        Command("true", ""),
    ]


@pytest.mark.parametrize(
    ("shown", "said", "is_so"),
    [
        ("one", "one\n", True),
        ("one", "one  \n\n", True),
        ("one", "two", False),
        ("one", "one\ntwo", False),
        ("pi_…  10.00 USD", "pi_01J  10.00 USD", True),
        ("pi_…", "ch_1", False),
        ("a\n…\nd", "a\nb\nc\nd", True),
        ("a\n…\nd", "a\nd", True),
        ("a\n…", "a\nb", True),
        ("…\nd", "a\nb", False),
        ("(a) [b]*", "(a) [b]*", True),
    ],
)
def test_an_answer_is_compared_loosely(shown, said, is_so):
    assert agrees(shown, said) == is_so


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("json", '{"a": [1, 2]}'),
        ("toml", "[ledger]\nfile = 'a'\n"),
        ("sh-start", "./sycee up  # and leave it"),
        ("sql", "SELECT id FROM merchants WHERE name = 'a';\nCREATE TABLE a (b INTEGER);"),
    ],
)
def test_what_can_be_parsed_is_true(language, text):
    parse(block(language, text))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("json", "{'a': 1}"),
        ("toml", "a = "),
        ("sh-start", "if ./sycee up"),
        ("sql", "SELEC id FROM merchants;"),
        ("sql", "SELECT id FROM merchants"),
    ],
)
def test_what_can_not_be_parsed_is_untrue(language, text):
    with pytest.raises(Untrue, match=f"is not {language}"):
        parse(block(language, text))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "import os\nassert os.environ['SYCEE_URL'] == 'here'"),
        ("sh", 'test "$SYCEE_URL" = here'),
        ("console", "$ ID=7\n$ echo $SYCEE_URL $ID\nhere 7\n$ printf a; exit_1() { return 1; }\na"),
        ("console", "$ ls absent\nls: …"),
        ("console", "$ ./sycee up\nready\n…"),
        ("console", "$ ./sycee up\nready\n$ echo on\non"),
    ],
)
def test_what_runs_as_shown_is_true(tmp_path, language, text):
    starter = tmp_path / "sycee"
    starter.write_text("#!/bin/sh\necho ready\nexec tail -f /dev/null\n")
    starter.chmod(0o755)
    ran(language, text, tmp_path, SYCEE_URL="here")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "raise SystemExit(1)"),
        ("sh", "false\ntrue"),
        ("sh", 'echo "$NO_SUCH_NAME"'),
        ("console", "$ echo one\ntwo"),
        ("console", "$ false"),
        ("console", "$ exit 0\n$ echo never"),
        ("console", "just text"),
        ("console", "$ ./sycee up\nready"),
    ],
)
def test_what_runs_otherwise_is_untrue(tmp_path, language, text):
    starter = tmp_path / "sycee"
    starter.write_text("#!/bin/sh\necho broken\n")
    starter.chmod(0o755)
    with pytest.raises(Untrue):
        ran(language, text, tmp_path)
