"""Each augmentation's effect, measured on many random draws."""

import numpy as np
import pytest
import torch

from mini_xception.training.augment import (
    AUGMENTATIONS,
    PRESETS,
    Blur,
    Brightness,
    Contrast,
    Flip,
    Rotation,
    SaltAndPepper,
    Shift,
    Zoom,
    augment,
    build,
)

N = 10_000


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def spot(n: int, row: int = 24, column: int = 12) -> torch.Tensor:
    """Make black images with one small bright square."""
    faces = torch.zeros(n, 1, 48, 48)
    faces[:, :, row - 1 : row + 1, column - 1 : column + 1] = 255
    return faces


def centre(faces: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute each image's centre of brightness: column and row in pixels."""
    weight = faces[:, 0] / faces.sum(dim=(1, 2, 3)).view(-1, 1, 1)
    position = torch.arange(48) + 0.5
    return (weight.sum(1) * position).sum(1), (weight.sum(2) * position).sum(1)


def test_salt_and_pepper_have_the_same_probability():
    noisy = SaltAndPepper(0.05)(torch.full((200, 1, 48, 48), 100.0), seeded())
    assert set(noisy.unique().tolist()) == {0.0, 100.0, 255.0}
    assert (noisy == 0).float().mean() == pytest.approx(0.05, abs=0.002)
    assert (noisy == 255).float().mean() == pytest.approx(0.05, abs=0.002)


def test_blur_spreads_a_point_and_keeps_its_brightness():
    blurred = Blur(1.5)(spot(N), seeded())
    assert torch.allclose(blurred.sum(dim=(1, 2, 3)), spot(1).sum(), rtol=1e-3)
    x, y = centre(blurred)
    assert torch.allclose(x, torch.tensor(12.0), atol=1e-2)
    assert torch.allclose(y, torch.tensor(24.0), atol=1e-2)
    # The square's own variance is a quarter of a pixel; the Gaussian's is added to it.
    position = torch.arange(48) + 0.5 - 12
    variance = (blurred.sum(dim=(1, 2)) * position.square()).sum(1) / blurred.sum(dim=(1, 2, 3)) - 0.25
    sigma = variance.clamp(min=0).sqrt()
    assert sigma.max() == pytest.approx(1.5, abs=0.05)
    assert (sigma < 0.75).float().mean() == pytest.approx(0.5, abs=0.03)
    flat = torch.full((3, 1, 48, 48), 200.0)
    assert torch.allclose(Blur(2.0)(flat, seeded()), flat, atol=1e-2)  # no dark border


def test_about_half_of_the_images_are_flipped():
    faces = augment(spot(N), [Flip(0.5)], seeded())
    flipped = faces.flip(-1)[:, 0, 24, 12] > 200
    assert flipped.float().mean() == pytest.approx(0.5, abs=0.02)
    assert torch.allclose(faces[flipped], spot(int(flipped.sum())).flip(-1), atol=0.05)
    assert torch.allclose(augment(spot(3), [Flip(1.0)], seeded()), spot(3).flip(-1), atol=0.05)


def test_shifts_are_whole_pixels_in_both_directions():
    x, y = centre(augment(spot(N, 24, 24), [Shift(0.1)], seeded()))
    for moved in (x - 24, y - 24):
        assert torch.allclose(moved, moved.round(), atol=1e-3)
        values, counts = moved.round().int().unique(return_counts=True)
        # Up to 4.8 pixels are rounded down to 0–4 in each direction. 4 has 0.8 of a pixel, and 0 has both signs.
        assert values.tolist() == list(range(-4, 5))
        shares = dict(zip(values.tolist(), (counts / N).tolist(), strict=True))
        assert shares[0] == pytest.approx(1 / 4.8, abs=0.015)
        assert shares[3] == pytest.approx(0.5 / 4.8, abs=0.015)
        assert shares[-4] == pytest.approx(0.4 / 4.8, abs=0.015)
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.03


def test_a_shift_copies_pixels_and_fills_black():
    face = torch.rand(1, 1, 48, 48, generator=seeded()) * 255
    shifted = augment(face.repeat(50, 1, 1, 1), [Shift(0.1)], seeded())
    for image in shifted[:, 0]:
        bright = image > 0.5
        rows, columns = bright.any(1).nonzero().flatten(), bright.any(0).nonzero().flatten()
        height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
        inside = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        top = 48 - height if rows[0] == 0 else 0
        left = 48 - width if columns[0] == 0 else 0
        assert torch.allclose(inside, face[0, 0, top : top + height, left : left + width], atol=0.1)


def test_rotations_are_uniform_within_their_limits():
    x, y = centre(augment(spot(N, 24, 40), [Rotation(10.0)], seeded()))
    angles = torch.atan2(y - 24, x - 24).rad2deg()
    assert angles.abs().max() <= 10.2
    assert angles.mean().abs() < 0.3
    assert angles.std() == pytest.approx(20 / 12**0.5, abs=0.2)


def test_zooms_stretch_width_and_height_independently():
    x, y = centre(augment(spot(N, 40, 40), [Zoom(0.1)], seeded()))
    for stretched in ((x - 24) / 16, (y - 24) / 16):
        assert 0.89 < stretched.min() < 0.91
        assert 1.09 < stretched.max() < 1.11
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.03


def test_brightness_and_contrast():
    faces = torch.full((N, 1, 4, 4), 100.0)
    faces[:, :, :2] = 60.0
    bright = Brightness(0.2)(faces, seeded())
    assert bright[:, 0, 3, 3].min() == pytest.approx(80, abs=0.2)
    assert bright[:, 0, 3, 3].max() == pytest.approx(120, abs=0.2)
    contrast = Contrast(0.2)(faces, seeded())
    assert torch.allclose(contrast.mean(dim=(1, 2, 3)), torch.tensor(80.0))
    spread = contrast[:, 0, 3, 3] - contrast[:, 0, 0, 0]
    assert spread.min() == pytest.approx(32, abs=0.1)
    assert spread.max() == pytest.approx(48, abs=0.1)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_repeat_with_their_seed_and_stay_in_range(preset):
    faces = torch.rand(16, 1, 48, 48, generator=seeded()) * 255
    augmentations = build(PRESETS[preset])
    first, again, other = (augment(faces, augmentations, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == faces.shape
    assert first.min() >= 0
    assert first.max() <= 255.01


def test_geometry_is_sampled_once_and_in_order():
    """A shift and then a flip give the same image together as one after the other."""
    together = augment(spot(100), [Shift(0.1), Flip(1.0)], seeded())
    shifted = augment(spot(100), [Shift(0.1)], seeded())
    assert torch.allclose(together, shifted.flip(-1), atol=0.05)


def test_the_registry_makes_augmentations_from_names():
    assert build({"flip": 0.5, "salt_and_pepper": 0.05, "shift": 0}) == (SaltAndPepper(0.05), Flip(0.5))
    assert repr(build(PRESETS["basic"])) == (
        "(Brightness(fraction=0.2), Rotation(degrees=10.0), Flip(probability=0.5))"
    )
    assert build({}) == ()
    for preset in PRESETS.values():
        assert all(0 < strength <= AUGMENTATIONS[name].strongest for name, strength in preset.items())
