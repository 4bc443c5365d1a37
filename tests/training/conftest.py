"""Training with one thread, and FER2013 made of synthetic faces."""

import pytest
import torch

from tests.training.runs import TRAINING, VALIDATION


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def fer2013_csv(tmp_path_factory):
    """The synthetic faces in Kaggle's format."""
    path = tmp_path_factory.mktemp("data") / "fer2013.csv"
    with path.open("w") as file:
        file.write("emotion,pixels,Usage\n")
        for faces in (TRAINING, VALIDATION):
            for label, image in zip(faces.labels, faces.images, strict=True):
                file.write(f"{label},{' '.join(map(str, image.ravel()))},{faces.split}\n")
    return path
