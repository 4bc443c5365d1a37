"""Second paths while training: the network that is kept has none, and says the same."""

import csv
from dataclasses import replace

import pytest
import torch

from mini_xception import MiniXception, MiniXceptionError
from mini_xception.train import train
from mini_xception.train.branches import add_branches, fold_branches

from .test_train import CONFIG, PUBLIC_TEST, TRAINING


def test_the_folded_network_says_the_same():
    torch.manual_seed(0)
    model = MiniXception()
    plain = {name: value.shape for name, value in model.state_dict().items()}
    add_branches(model)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for value in (module.weight, module.bias, module.running_mean, module.running_var):
                torch.nn.init.uniform_(value, 0.5, 2.0)
    faces = torch.rand(4, 1, 48, 48)
    folded = fold_branches(model)
    with torch.inference_mode():
        torch.testing.assert_close(folded.eval()(faces), model.eval()(faces))
    assert {name: value.shape for name, value in folded.state_dict().items()} == plain


def test_a_run_with_branches_keeps_the_published_network(tmp_path):
    """Loaded strictly, so with no parameter too many, it scores what the log says of its epoch."""
    train(replace(CONFIG, branches=True, epochs=6), TRAINING, PUBLIC_TEST, tmp_path)
    model = MiniXception.from_pretrained(tmp_path / "last")
    with torch.inference_mode():
        hits = model(model.preprocess(PUBLIC_TEST.images)).argmax(1).numpy() == PUBLIC_TEST.labels
    with (tmp_path / "log.csv").open() as file:
        assert hits.mean() == pytest.approx(float(list(csv.DictReader(file))[-1]["public_test_accuracy"]), abs=1e-4)


def test_branches_begin_with_random_weights(tmp_path):
    with pytest.raises(MiniXceptionError, match="branches"):
        train(replace(CONFIG, branches=True), TRAINING, PUBLIC_TEST, tmp_path, initial=MiniXception())
