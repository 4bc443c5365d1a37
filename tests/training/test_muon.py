"""The Muon optimizer makes the steps of PyTorch's Muon and Adam."""

import pytest
import torch

from mini_xception import MiniXception
from mini_xception.training.muon import Muon, is_matrix, orthogonalise


@pytest.mark.parametrize("shape", [(16, 64), (64, 16), (32, 32)])
def test_the_singular_values_become_about_one_and_the_directions_stay(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    result = left.T @ orthogonalise(matrix) @ right.T
    assert values.max() / values.min() > 1.5
    assert 0.6 < result.diagonal().min() < result.diagonal().max() < 1.3
    assert (result - result.diagonal().diag()).abs().max() < 1e-4


def test_only_1x1_convolutions_are_matrices():
    names = {name for name, parameter in MiniXception().named_parameters() if is_matrix(parameter)}
    assert names == {
        f"module{block}.{path}.weight"
        for block in (1, 2, 3, 4)
        for path in ("left.0.point_conv", "left.3.point_conv", "right.0")
    }


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="needs torch 2.9")
def test_a_matrix_moves_as_with_pytorchs_muon():
    """PyTorch computes in bfloat16, so its steps are less exact."""
    ours, theirs = _copies(torch.randn(16, 48, generator=torch.Generator().manual_seed(0)))
    ours.data = ours.data[:, :, None, None]
    step_ours = Muon([{"params": [ours], "weight_decay": 0.1}], 0.02)
    step_theirs = torch.optim.Muon([theirs], 0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    start = theirs.detach().clone()
    for seed in range(5):
        theirs.grad = torch.randn(16, 48, generator=torch.Generator().manual_seed(seed))
        ours.grad = theirs.grad[:, :, None, None].clone()
        step_ours.step()
        step_theirs.step()
    moved, distance = theirs - start, ours[:, :, 0, 0] - theirs
    assert distance.norm() < 0.05 * moved.norm()


@pytest.mark.parametrize("shape", [(8, 1, 3, 3), (8,)])
def test_other_parameters_move_as_with_adam(shape):
    ours, theirs = _copies(torch.randn(shape, generator=torch.Generator().manual_seed(0)))
    step_ours, step_theirs = Muon([{"params": [ours]}], 0.02), torch.optim.Adam([theirs], 0.02)
    for seed in range(5):
        ours.grad = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        theirs.grad = ours.grad.clone()
        step_ours.step()
        step_theirs.step()
    torch.testing.assert_close(ours, theirs)


def _copies(values: torch.Tensor) -> tuple[torch.nn.Parameter, torch.nn.Parameter]:
    return torch.nn.Parameter(values.clone()), torch.nn.Parameter(values.clone())
