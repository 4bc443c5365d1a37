"""The command line: it parses, calls and writes. A command is a module here and a row in COMMANDS."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import threading
from collections.abc import Sequence
from importlib import import_module

from mini_xception import __version__
from mini_xception.errors import MiniXceptionError

PROGRAM = "mini-xception"
#: name → what it does; the module of that name adds its options and runs it, and is imported only when it is called.
COMMANDS: dict[str, str] = {
    "predict": "read the expressions in photos",
    "video": "read the expressions in a clip",
    "webcam": "show the expressions that a camera sees",
    "evaluate": "measure a checkpoint on FER2013",
    "train": "train a checkpoint on FER2013",
    "convert": "make a checkpoint folder of a .pth or Keras .hdf5",
    "export": "write a checkpoint's network as model.onnx",
    "push": "publish a checkpoint folder on the Hub",
    "demo": "serve the web page",
}

#: What only some commands need, and the extra that brings it.
EXTRAS: dict[str, str] = {
    "accelerate": "train",
    "av": "video",
    "gradio": "app",
    "h5py": "convert",
    "matplotlib": "train",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; a failure is one line on stderr and a non-zero status."""
    argv = sys.argv[1:] if argv is None else list(argv)
    for stream in (sys.stdout, sys.stderr):  # A file name that the terminal cannot show must not end the work.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    args = _parser(argv).parse_args(argv)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # So that nothing half-written is left.
    try:
        status: int = import_module(f"{__name__}.{args.command}").run(args)
        sys.stdout.flush()
        return status
    except MiniXceptionError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        print(f"{PROGRAM}: this needs {error.name}: pip install 'mini-xception[{EXTRAS[error.name]}]'", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # The reader, `head` say, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"{PROGRAM}: {error.filename or 'standard output'}: {error.strerror or error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # What it still holds is lost either way.
        return 1


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog=PROGRAM, description="Read facial expressions with mini_Xception.")
    root.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = root.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for name, purpose in COMMANDS.items():
        command = commands.add_parser(name, help=purpose)
        if name in argv[:1]:
            module = import_module(f"{__name__}.{name}")
            command.description = module.__doc__
            module.add_arguments(command)
    return root
