"""Each degradation's effect on images where it can be measured."""

import cv2
import numpy as np
import pytest
import torch

from mini_xception.training.augment import AUGMENTATIONS, PRESETS, augment, build
from mini_xception.training.degrade import (
    SHARE,
    Defocus,
    Degradation,
    Jpeg,
    Motion,
    Noise,
    Overexposure,
    Resolution,
    Shadow,
)

DEGRADATIONS = {name: entry for name, entry in AUGMENTATIONS.items() if issubclass(entry.kind, Degradation)}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def texture(n: int) -> torch.Tensor:
    """Make images with structure of all sizes, pixels 40–215."""
    rough = torch.rand(n, 1, 48, 48, generator=seeded()) * 255
    return 0.5 * rough + 0.5 * torch.nn.functional.avg_pool2d(rough, 9, 1, 4)


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_a_part_of_a_batch_is_degraded_and_the_rest_is_untouched(name):
    entry = DEGRADATIONS[name]
    faces = texture(400)
    degraded = entry.kind(PRESETS["photos"][name])(faces, seeded())
    changed = (degraded != faces).flatten(1).any(dim=1)
    assert 0.5 * SHARE < changed.float().mean() <= SHARE
    assert degraded.min() >= 0
    assert degraded.max() <= 255.01
    strongest = entry.kind(entry.strongest).degrade(faces, seeded())
    assert strongest.isfinite().all()
    assert strongest.shape == faces.shape


def test_light_is_added_and_clipped():
    light = Overexposure(100)
    faces = torch.full((500, 1, 4, 4), 200.0)
    faces[:, :, :2] = 100.0
    bright = light.degrade(faces, seeded())
    assert bright[:, 0, 0, 0].max() == pytest.approx(200, abs=1)
    assert bright[:, 0, 3, 3].max() == 255


def test_a_shadow_covers_about_one_half():
    shaded = Shadow(0.7).degrade(torch.full((500, 1, 48, 48), 200.0), seeded())
    assert shaded.min() == pytest.approx(60, abs=2)
    dark = (shaded < 195).float().mean(dim=(1, 2, 3))[shaded.amin(dim=(1, 2, 3)) < 180]
    assert dark.mean() == pytest.approx(0.5, abs=0.05)
    assert dark.min() > 0.1
    assert dark.max() < 0.9


def test_motion_blurs_along_one_direction():
    faces = torch.zeros(2000, 1, 48, 48)
    faces[:, :, 24, 24] = 255.0
    moved = Motion(6).degrade(faces, seeded())[:, 0]
    assert torch.allclose(moved.sum(dim=(1, 2)), torch.tensor(255.0), atol=0.1)
    position = torch.arange(48) - 24.0
    x, y = torch.meshgrid(position, position, indexing="xy")
    products = [(moved * product).sum(dim=(1, 2)) / 255 for product in (x * x, x * y, x * y, y * y)]
    short, long = torch.linalg.eigvalsh(torch.stack(products, dim=1).view(-1, 2, 2)).T
    assert long.max() == pytest.approx(6**2 / 12, rel=0.25)
    assert short.max() < 0.4


def test_a_lower_resolution_removes_fine_structure_only():
    stripes = torch.zeros(100, 1, 48, 48)
    stripes[..., ::2] = 255.0
    flat = torch.full((100, 1, 48, 48), 90.0)
    lowered = Resolution(3).degrade(stripes, seeded())
    assert lowered[..., 8:-8].std(dim=(1, 2, 3)).min() < 30
    assert torch.allclose(Resolution(6).degrade(flat, seeded()), flat, atol=0.01)


def test_noise_and_defocus_have_the_given_strength():
    noisy = Noise(20).degrade(torch.full((500, 1, 48, 48), 128.0), seeded())
    assert noisy.std(dim=(1, 2, 3)).max() == pytest.approx(20, abs=1)
    assert noisy.mean() == pytest.approx(128, abs=0.2)
    smooth = Defocus(2).degrade(texture(500), seeded())
    assert smooth.std() < texture(500).std()


def test_jpeg_is_like_that_of_a_real_coder():
    faces = texture(1)
    degraded = Jpeg(90).degrade(faces.repeat(300, 1, 1, 1), seeded())
    worst = (degraded - faces).square().mean(dim=(1, 2, 3)).sqrt().max()
    large = cv2.resize(faces[0, 0].numpy(), (144, 144), interpolation=cv2.INTER_LINEAR)
    coded = cv2.imencode(".jpg", np.rint(large).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 10])[1]
    decoded = cv2.resize(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), (48, 48), interpolation=cv2.INTER_AREA)
    assert worst == pytest.approx(np.sqrt(np.square(decoded - faces[0, 0].numpy()).mean()), rel=0.15)
    fine = Jpeg(0.01).degrade(faces, seeded())
    enlarged = torch.nn.functional.interpolate(faces, size=(144, 144), mode="bilinear", align_corners=False)
    again = torch.nn.functional.interpolate(enlarged, size=(48, 48), mode="area")
    assert (fine - again).abs().max() < 1


def test_one_image_is_degraded_too():
    face = texture(1)
    assert not torch.equal(augment(face, build({"noise": 20.0}), seeded()), face)
