"""The command-line interface. To add a command, write a module in this package and add a row to COMMANDS."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import threading
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, NoReturn

from mini_xception import __version__
from mini_xception.errors import MiniXceptionError

PROGRAM = "mini-xception"
#: name → purpose. The module with this name adds the command's options and runs the command. It is imported only when
#: the command is called.
COMMANDS: dict[str, str] = {
    "predict": "recognise expressions in photos",
    "video": "recognise expressions in a video",
    "webcam": "recognise expressions live, from a camera",
    "evaluate": "evaluate a checkpoint on labelled faces",
    "train": "train a network on labelled faces",
    "convert": "convert a .pth or Keras .hdf5 file to a checkpoint",
    "export": "export a checkpoint to ONNX",
    "push": "publish a checkpoint on the Hugging Face Hub",
    "demo": "serve the web page on this computer",
}

#: Package that only some commands need → what to install with pip.
REQUIREMENTS: dict[str, str] = {
    "accelerate": "mini-xception[train]",
    "av": "mini-xception[video]",
    "gradio": "mini-xception[app]",
    "h5py": "mini-xception[convert]",
    "matplotlib": "mini-xception[train]",
    "torch": "torch",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments. None uses the arguments of this process.

    Returns:
        The exit status: 0 after success; 1 after a failure, with one line on stderr; 130 after Ctrl-C.

    Raises:
        SystemExit: with status 2 after an invalid option, with status 0 after ``--help`` and ``--version``.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    for stream in (sys.stdout, sys.stderr):  # A file name that the terminal cannot encode must not be an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # Raise an exception, which deletes temporary files.
    try:
        args = _parser(argv).parse_args(argv)
        status: int = import_module(f"{__name__}.{args.command}").run(args)
        sys.stdout.flush()
        return status
    except MiniXceptionError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if error.name not in REQUIREMENTS:
            raise
        missing = f"this command needs {error.name}; pip install '{REQUIREMENTS[error.name]}'"
        print(f"{PROGRAM}: {missing}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # The program that reads the output, such as `head`, has ended.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"{PROGRAM}: {error.filename or 'standard output'}: {error.strerror or error}", file=sys.stderr)
        # Otherwise, Python would flush standard output at exit and report the same error again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


class _Formatter(argparse.HelpFormatter):
    """A help formatter that keeps paragraphs in descriptions and shows only the required arguments in the usage."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, max_help_position=28, **options)

    def add_usage(self, usage: Any, actions: Iterable[argparse.Action], groups: Any, prefix: str | None = None) -> None:
        self._prog += " [options]"
        required = [action for action in actions if action.required or not action.option_strings]
        super().add_usage(usage, required, groups, prefix)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n\n".join(super(_Formatter, self)._fill_text(part, width, indent) for part in text.split("\n\n"))


class _Parser(argparse.ArgumentParser):
    """An argument parser that reports an invalid option in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message.removeprefix('argument ')} (see {self.prog} --help)\n")


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    root = _Parser(
        prog=PROGRAM,
        description="Facial expression recognition with mini_Xception.",
        epilog=f"The options of a command: {PROGRAM} COMMAND --help",
    )
    root.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = root.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for name, purpose in COMMANDS.items():
        command = commands.add_parser(name, help=purpose, formatter_class=_Formatter)
        if name in argv[:1]:
            module = import_module(f"{__name__}.{name}")
            command.description = module.__doc__
            module.add_arguments(command)
    return root
