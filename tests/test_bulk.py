"""Many photos, with real worker processes: their results, and what happens if a process ends early."""

import os
import signal
import subprocess
import sys
import time
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mini_xception import EmotionRecognizer, MiniXceptionError
from mini_xception.bulk import AHEAD, BATCH_SIZE, MIN_PHOTOS, default_workers, predict_photos
from tests.conftest import PORTRAIT, ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.jpg"))


def summary(photos):
    """Return paths and boxes, or error messages; and all probabilities."""
    photos = list(photos)
    found = [photo.error or (photo.path, [face.box for face in photo.faces]) for photo in photos]
    return found, [list(face.probabilities.values()) for photo in photos for face in photo.faces]


def test_workers_and_one_process_find_the_same_faces(recognizer, tmp_path):
    (tmp_path / "text.jpg").write_text("text")
    paths = [EXAMPLES[0], tmp_path / "text.jpg", *EXAMPLES[1:], tmp_path / "absent.gif"]
    expected, probabilities = summary(predict_photos(paths, recognizer))
    found, found_probabilities = summary(predict_photos(paths, recognizer, workers=2))
    assert found == expected
    assert [path for path in expected if isinstance(path, str)] != []
    # Engines may round differently for other batch sizes.
    assert np.allclose(found_probabilities, probabilities, atol=0.01)


def test_results_of_many_batches_keep_their_order(recognizer, tmp_path):
    count = 2 * AHEAD + 2 * BATCH_SIZE + 1
    faces = np.random.default_rng(0).integers(0, 256, (count, 48, 48), np.uint8)
    paths = [tmp_path / f"{number}.png" for number in range(count)]
    for face, path in zip(faces, paths, strict=True):
        Image.fromarray(face).save(path)
    recognizer = EmotionRecognizer(recognizer.model, detector=None)
    found, probabilities = summary(predict_photos(paths, recognizer, workers=2))
    assert found == [(path, [(0, 0, 48, 48)]) for path in paths]
    assert np.allclose(probabilities, recognizer.classify(faces), atol=0.01)


def test_few_photos_start_no_workers():
    assert default_workers(MIN_PHOTOS - 1) == 0
    assert default_workers(MIN_PHOTOS) in (0, *range(2, (os.cpu_count() or 1) + 1))


def test_a_negative_number_of_workers_is_an_error(recognizer):
    with pytest.raises(MiniXceptionError, match="workers must be 0 or more, not -1"):
        next(predict_photos([PORTRAIT], recognizer, workers=-1))


class Command:
    """``mini-xception predict`` with two workers and more photos than it can finish, in its own process group."""

    def __init__(self, folder: Path) -> None:
        (folder / "photos").mkdir()
        for number, photo in enumerate(islice(cycle(EXAMPLES), 5000)):
            (folder / "photos" / f"{number:04}.jpg").symlink_to(photo)
        self.out = folder / "out"
        options = ["predict", folder / "photos", "--workers", "2", "--csv", self.out / "faces.csv"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mini_xception", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def workers(self) -> list[int]:
        """Wait for both workers, and return their process ids."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        while True:
            ids = [int(pid) for pid in children.read_text().split()]
            found = [pid for pid in ids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
            if len(found) == 2:
                return found
            time.sleep(0.02)

    def wait_for_a_photo(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline()


@pytest.fixture
def command(tmp_path):
    if not Path("/proc/self/task").is_dir():
        pytest.skip("the test finds workers in /proc, which only Linux has")
    started = Command(tmp_path)
    yield started
    started.process.kill()
    started.process.communicate()


@pytest.mark.slow
def test_a_killed_worker_is_a_one_line_error(command):
    workers = command.workers()
    command.wait_for_a_photo()
    os.kill(workers[0], signal.SIGKILL)
    _, errors = command.process.communicate()
    assert command.process.returncode == 1
    (line,) = errors.splitlines()
    assert line.startswith("mini-xception: ")
    assert "a worker process died" in line
    assert list(command.out.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("when", ["workers start", "workers run"])
def test_an_interrupt_prints_nothing_and_leaves_nothing(command, when):
    workers = command.workers()
    if when == "workers run":
        command.wait_for_a_photo()
    os.killpg(command.process.pid, signal.SIGINT)
    _, errors = command.process.communicate()
    assert (command.process.returncode, errors) == (130, "")
    assert list(command.out.iterdir()) == []
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


@pytest.mark.slow
def test_workers_end_with_their_parent(command):
    workers = command.workers()
    command.wait_for_a_photo()
    command.process.kill()
    command.process.wait()
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        time.sleep(0.02)
