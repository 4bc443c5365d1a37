"""The command-line interface. To add a command, write a module in this package and add a row to COMMANDS."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from mini_xception import __version__
from mini_xception.errors import MiniXceptionError
from mini_xception.media.source import SOURCE_THREAD

PROGRAM = "mini-xception"
#: name → purpose. The module with this name adds the command's options and runs the command. It is imported only when
#: the command is called.
COMMANDS: dict[str, str] = {
    "predict": "recognise expressions in photos",
    "video": "recognise expressions in a video",
    "webcam": "recognise expressions live, from a camera",
    "evaluate": "evaluate a checkpoint on labelled faces",
    "train": "train a network on labelled faces",
    "convert": "convert a PyTorch or Keras file to a checkpoint",
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
    "huggingface_hub": "huggingface-hub",
    "jinja2": "jinja2",
    "matplotlib": "mini-xception[train]",
    "torch": "torch",
}


def run_process() -> NoReturn:
    """Run the command that this process was started with, and end the process with its exit status."""
    try:
        status = main()
    except SystemExit as error:
        if not isinstance(error.code, int):
            raise
        status = error.code
    if any(thread.name == SOURCE_THREAD for thread in threading.enumerate()):
        # A source of a video that sends no data. FFmpeg can crash if Python ends while it still waits.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(status)
    sys.exit(status)


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
    _open_missing_streams()
    warnings.filterwarnings("ignore", module=r"PIL\.")  # load_image raises an error if something is wrong.
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
        report(error)
        return 1
    except ModuleNotFoundError as error:
        if error.name not in REQUIREMENTS:
            raise
        report(f"this command needs {error.name}; pip install '{REQUIREMENTS[error.name]}'")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # The program that reads the output, such as `head`, has ended.
        _discard_output()
        return 1
    except OSError as error:
        # Without a name, it comes from os.getcwd() or from writing to standard output.
        place = "the current folder" if isinstance(error, FileNotFoundError) else "standard output"
        report(f"{error.filename or place}: {error.strerror or error}")
        _discard_output()
        return 1


def report(message: object) -> None:
    """Print a line to standard error. If that fails, do nothing, because the work must go on."""
    with suppress(OSError):
        print(f"{PROGRAM}: {message}", file=sys.stderr, flush=True)


def _open_missing_streams() -> None:
    """Replace standard streams that are closed, as in ``>&-``, in services and in pythonw, by the null device."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            # A file that is opened later must not get this number, because libraries print to it.
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            os.set_inheritable(number, True)  # for worker processes
        stream = getattr(sys, name)
        if stream is None or getattr(stream, "closed", False):
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115


def _discard_output() -> None:
    """Send standard output nowhere. Otherwise, Python would flush it at exit and report the same error again."""
    with suppress(OSError):  # The calling program may have replaced it by an object that is not a file.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
