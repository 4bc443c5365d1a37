"""The help of every command is complete."""

import argparse

import pytest

from mini_xception.cli import COMMANDS, _parser


def parser_of(command: str) -> argparse.ArgumentParser:
    root = _parser([command])
    (commands,) = (action for action in root._actions if isinstance(action, argparse._SubParsersAction))
    return commands.choices[command]


def arguments_of(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    return {"/".join(action.option_strings) or action.dest: action for action in parser._actions}


def help_of(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    """The help of an argument as it is printed, with its name and its placeholder."""
    formatter = parser._get_formatter()
    return f"{formatter._format_action_invocation(action)} {formatter._expand_help(action)}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_argument_has_a_help_text(command):
    for name, action in arguments_of(parser_of(command)).items():
        assert action.help, f"{command} {name}"
        assert action.help != argparse.SUPPRESS, f"{command} {name}"


@pytest.mark.parametrize("command", COMMANDS)
def test_numbers_have_their_default_and_choices_are_listed(command):
    parser = parser_of(command)
    for name, action in arguments_of(parser).items():
        if isinstance(action.default, int | float) and not isinstance(action.default, bool):
            assert f"default: {action.default}" in help_of(action, parser), f"{command} {name}"
        for choice in action.choices or ():
            assert str(choice) in help_of(action, parser), f"{command} {name}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_description_in_full_sentences(command):
    description = parser_of(command).description
    assert description is not None
    assert description[0].isupper()
    assert description.strip().endswith(".")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_usage_names_the_required_arguments(command):
    parser = parser_of(command)
    assert parser.format_usage().startswith(f"usage: mini-xception {command} [options]")
    for action in parser._actions:
        if action.required:
            assert (action.option_strings[-1:] or [action.metavar])[0] in parser.format_usage()


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_the_terminal(command, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    assert max(map(len, parser_of(command).format_help().splitlines())) <= width
