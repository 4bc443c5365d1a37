"""The mean of several runs, which recipes/average.py writes."""

import subprocess
import sys

import pytest
import torch

from mini_xception import MiniXception
from tests.conftest import ROOT


@pytest.mark.parametrize(("trained", "upsample_to"), [(48, None), (64, 64)])
def test_the_mean_is_measured_and_says_where_it_comes_from(trained, upsample_to, fer2013_csv, tmp_path):
    for number in range(3):
        torch.manual_seed(number)
        model = MiniXception(image_size=trained)
        model.provenance = {"recipe": f"run {number}"}
        model.save_pretrained(tmp_path / str(number) / "last")
    folders = [str(tmp_path / str(number) / "last") for number in range(3)]
    out = tmp_path / "mean"
    subprocess.run(
        [sys.executable, "-m", "recipes.average", str(fer2013_csv), *folders, "--neutral", "0.5", "--out", str(out)],
        cwd=ROOT,
        check=True,
    )
    mean = MiniXception.from_pretrained(out)
    assert (mean.image_size, mean.upsample_to) == (48, upsample_to)
    states = [MiniXception.from_pretrained(folder).state_dict() for folder in folders]
    for name, value in mean.state_dict().items():
        if value.is_floating_point():
            expected = torch.stack([state[name] for state in states]).mean(0)
            if name == "conv.bias":
                expected[mean.labels.index("neutral")] += 0.5
            torch.testing.assert_close(value, expected)
    assert mean.metrics["split"] == "PublicTest"
    assert (
        mean.provenance["recipe"]
        == "python -m recipes.average fer2013.csv 0/last 1/last 2/last --neutral 0.5 --out mean"
    )
