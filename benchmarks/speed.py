"""Compare the speed of this package with alternatives: make bench, or python -m benchmarks.speed

The benchmark measures detection, classification, all steps together, and start-up. The alternatives take turns in every
round, so another program on the machine slows all of them equally. The output shows medians, quartiles, and the speed
relative to the first row.

"plain" runs the network in the usual way: in eager mode, in PyTorch's default layout, with its default number of
threads. These threads slow each other down if another program keeps a core busy, so plain is also measured with one
thread. facenet-pytorch is the origin of this project's detector, and has the same weights and settings.

--fer also measures PyPI's fer, at its default settings. Its MTCNN looks for faces of 20 pixels or more. fer needs a
separate environment:

    python -m venv fer && fer/bin/pip install fer 'setuptools<81'
    python -m benchmarks.speed --fer fer/bin/python
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks.machine import limit, machine, one_core, seconds
from mini_xception import EmotionRecognizer, MiniXception, load_image
from mini_xception.detection.crop import crop_face
from mini_xception.detection.mtcnn import MTCNN
from mini_xception.network.engines import ENGINES, is_installed

ROOT = Path(__file__).parents[1]
PHOTOS = sorted((ROOT / "examples").glob("*.jpg"))
BATCHES = (1, 32, 256)
#: Minimum duration of one measurement, in seconds.
ROUND_S = 0.1

#: name → seconds per call, one value per round.
Times = dict[str, list[float]]
#: Number of calls → seconds per call.
Timer = Callable[[int], float]


def measure(calls: Mapping[str, Callable[[], object]], rounds: int, timers: Mapping[str, Timer] | None = None) -> Times:
    """Measure the seconds per call. The calls take turns. ``timers`` measure calls in another process."""
    timers = {**{name: partial(seconds, call) for name, call in calls.items()}, **(timers or {})}
    repeats = {}
    for name, timer in timers.items():
        timer(1)  # The first call is slower.
        repeats[name] = max(1, round(ROUND_S / timer(1)))
    times: Times = {name: [] for name in timers}
    for _ in range(rounds):
        for name, timer in timers.items():
            times[name].append(timer(repeats[name]))
    return times


class Fer:
    """PyPI's fer, in a separate process.

    Args:
        python: the interpreter of an environment in which fer is installed.
    """

    def __init__(self, python: str) -> None:
        command = [python, str(ROOT / "benchmarks" / "fer_timer.py"), *map(str, PHOTOS)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        if self._answer() != "ready":
            raise SystemExit(f"{python}: cannot start fer; to see why, run {python} -c 'from fer.fer import FER'")

    def timer(self, *task: str | int) -> Timer:
        """Return a timer for a task of ``benchmarks/fer_timer.py``."""
        return lambda repeats: float(self._answer(*task, repeats))

    def _answer(self, *question: str | int) -> str:
        assert self._process.stdin
        assert self._process.stdout
        if question:
            print(*question, file=self._process.stdin, flush=True)
        return self._process.stdout.readline().strip()


class Plain:
    """The baseline: facenet-pytorch's detector, and the network in eager mode."""

    def __init__(self) -> None:
        from facenet_pytorch import MTCNN as FacenetMTCNN

        self.model = MiniXception.from_pretrained(device="cpu")
        self.detector = FacenetMTCNN(min_face_size=40, keep_all=True)

    def classify_with_one_thread(self, crops: np.ndarray) -> np.ndarray:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return self.classify(crops)
        finally:
            torch.set_num_threads(threads)

    @torch.inference_mode()
    def classify(self, crops: list[np.ndarray] | np.ndarray) -> np.ndarray:
        return self.model(self.model.preprocess(crops)).softmax(dim=1).numpy()

    def detect(self, image: np.ndarray) -> np.ndarray:
        boxes, scores = self.detector.detect(image)
        return np.empty((0, 4)) if boxes is None else boxes[np.asarray(scores) >= 0.9]

    def recognise(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the boxes and the probabilities of an image's faces."""
        boxes = self.detect(image)
        crops = [crop_face(image, box, self.model.framing) for box in boxes]
        return boxes, self.classify(crops) if crops else np.empty((0, 7))


def classifier(plain: Plain, fer: Fer | None, rounds: int) -> dict[str, Times]:
    """Measure the classification of uint8 crops."""
    engines = {
        engine: EmotionRecognizer.from_pretrained(device="cpu", engine=engine, detector=None)
        for engine in ("torch", *ENGINES)
        if engine == "torch" or is_installed(ENGINES[engine].package)
    }
    crops = np.random.default_rng(0).integers(0, 256, (max(BATCHES), 48, 48), np.uint8)
    tables = {}
    for batch in BATCHES:
        classifiers: dict[str, Callable[[np.ndarray], np.ndarray]] = {"plain": plain.classify}
        if torch.get_num_threads() > 1:
            classifiers["plain, one thread"] = plain.classify_with_one_thread
        classifiers |= {name: recognizer.classify for name, recognizer in engines.items()}
        calls = {name: partial(classify, crops[:batch]) for name, classify in classifiers.items()}
        tables[f"classifier, {batch} face{'s' if batch > 1 else ''}"] = measure(
            calls, rounds, {"fer": fer.timer("classify", batch)} if fer else None
        )
    return tables


def detector(plain: Plain, _: Fer | None, rounds: int) -> dict[str, Times]:
    """Measure the detection of one face in 640×480 pixels, and of six faces in 1920×1080 pixels, on one core."""
    portrait = load_image(ROOT / "examples" / "eileen_collins.jpg")
    small = np.full((480, 640, 3), 128, np.uint8)
    small[:, 80:560] = cv2.resize(portrait, (480, 480), interpolation=cv2.INTER_AREA)
    large = np.full((1080, 1920, 3), 128, np.uint8)
    large[28:1052, 192:1728] = np.tile(portrait, (2, 3, 1))
    tables = {}
    with one_core():
        ours = MTCNN()
        for name, image, faces in (("640×480, one face", small, 1), ("1920×1080, six faces", large, 6)):
            if not len(ours(image)[0]) == len(plain.detect(image)) == faces:
                raise SystemExit(f"{name}: a detector does not find the expected number of faces, {faces}")
            calls: dict[str, Callable[[], object]] = {
                "facenet-pytorch": partial(plain.detect, image),
                "mini_xception": partial(ours, image),
            }
            tables[f"detector on one core, {name}"] = measure(calls, rounds)
    return tables


def second_look(_: Plain, __: Fer | None, rounds: int) -> dict[str, Times]:
    """Measure what a second look adds to one pass, on one core, in images of 640×480 pixels."""
    upright = np.full((480, 640, 3), 128, np.uint8)
    portrait = load_image(ROOT / "examples" / "eileen_collins.jpg")
    upright[:, 80:560] = cv2.resize(portrait, (480, 480), interpolation=cv2.INTER_AREA)
    turn = cv2.getRotationMatrix2D((320, 240), 40, 1)
    images = {
        "upright": upright,
        "dark": upright // 8,
        "tilted 40°": cv2.warpAffine(upright, turn, (640, 480), borderMode=cv2.BORDER_REPLICATE),
        "no face": cv2.resize(portrait[300:], (640, 480), interpolation=cv2.INTER_LINEAR),  # the suit
    }
    tables = {}
    with one_core():
        detector = MTCNN()
        for name, image in images.items():
            calls: dict[str, Callable[[], object]] = {
                "one pass": partial(detector, image),
                "second look": partial(detector.search, image),
            }
            tables[f"detection on one core, {name}: {len(detector.search(image).boxes)} found"] = measure(calls, rounds)
    return tables


def photos(plain: Plain, fer: Fer | None, rounds: int) -> dict[str, Times]:
    """Measure all steps from a photo's file to its classified faces, on the photos in examples/."""
    recognizer = EmotionRecognizer.from_pretrained(device="cpu")
    calls: dict[str, Callable[[], object]] = {
        "facenet-pytorch + plain": lambda: [plain.recognise(load_image(path)) for path in PHOTOS],
        "mini_xception": lambda: [recognizer(path) for path in PHOTOS],
    }
    timers = {"fer, its MTCNN": fer.timer("photos")} if fer else None
    return {f"all steps, {len(PHOTOS)} photos": measure(calls, rounds, timers)}


def start_up(_: Plain, __: Fer | None, rounds: int) -> dict[str, Times]:
    """Measure how long new processes take to start."""
    codes = {
        "import torch": "import torch",
        "mini-xception --help": "import sys; sys.argv[1:] = ['--help']; import mini_xception.__main__",
        "import torch, mini_xception": "import torch, mini_xception",
        "EmotionRecognizer": "import mini_xception; mini_xception.EmotionRecognizer.from_pretrained()",
    }

    def start(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=True, cwd=ROOT)

    return {"start-up": measure({name: partial(start, code) for name, code in codes.items()}, rounds)}


def table(title: str, times: Times) -> str:
    """Format the results of one table. Factors are relative to the first row."""
    medians = {name: statistics.median(values) for name, values in times.items()}
    baseline = next(iter(medians.values()))
    lines = [f"\n{title}"]
    for name, values in times.items():
        low, _, high = statistics.quantiles(values, n=4)
        spread = f"{low * 1e3:.2f} to {high * 1e3:.2f}"
        lines.append(f"{name:>28}{medians[name] * 1e3:>10.2f} ms  {spread:>20}{baseline / medians[name]:>8.1f}×")
    return "\n".join(lines)


def plot(tables: dict[str, Times], path: Path) -> None:
    """Plot the medians of all tables as bars."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 1 + 1.1 * len(tables)), layout="constrained")
    for axes, (title, times) in zip(np.atleast_1d(figure.subplots(len(tables))), tables.items(), strict=True):
        medians = [statistics.median(values) * 1e3 for values in times.values()]
        texts = [f" {median:.{0 if median >= 100 else 2}f} ms, {medians[0] / median:.1f}×" for median in medians]
        bars = axes.barh(list(times), medians, color=["#9aa5b1", *["#2f6fde"] * (len(times) - 1)])
        axes.bar_label(bars, texts, fontsize=8)
        axes.set_title(title, loc="left", fontsize=9)
        axes.invert_yaxis()
        axes.margins(x=0.25)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="measurements of each row, 2 or more (default: 9)")
    parser.add_argument("--fer", metavar="PYTHON", help="also measure fer, with the interpreter of its environment")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the machine, its limits and the seconds of every round"
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="write a plot of the medians, an image file; needs matplotlib"
    )
    args = parser.parse_args()
    if args.rounds < 2:
        parser.error("--rounds must be 2 or more; quartiles need two values")

    about, bound, plain = machine(), limit(), Plain()
    fer = Fer(args.fer) if args.fer else None
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    print(", ".join(f"{value:.1f} {name}" for name, value in bound.items()))
    tables: dict[str, Times] = {}
    for section in (detector, second_look, classifier, photos, start_up):
        for title, times in section(plain, fer, args.rounds).items():
            tables[title] = times
            print(table(title, times), flush=True)
    if args.json:
        args.json.write_text(json.dumps({"machine": about, "limit": bound, "seconds": tables}, indent=1))
    if args.plot:
        plot(tables, args.plot)


if __name__ == "__main__":
    main()
