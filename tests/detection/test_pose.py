"""Turned images and squares."""

import numpy as np
import pytest

from mini_xception.detection.pose import Pose, apply, cut_square, rotation, turn, turn_in_frame

GRADIENT = np.stack([np.tile(np.arange(200), (100, 1)), np.tile(np.arange(100)[:, np.newaxis], (1, 200))], axis=2)
IMAGE = np.concatenate([GRADIENT, np.zeros((100, 200, 1), int)], axis=2).astype(np.uint8)  # x and y as colours


def test_an_upright_square_is_a_part_of_the_image():
    assert np.array_equal(cut_square(IMAGE, Pose(60, 40, 20, 0), 20), IMAGE[30:50, 50:70])
    assert np.array_equal(cut_square(IMAGE[:, :, 0], Pose(60, 40, 20, 0), 20), IMAGE[30:50, 50:70, 0])


def test_a_square_on_its_side_is_turned_upright():
    part = cut_square(IMAGE, Pose(60, 40, 20, 90), 20)
    assert np.abs(part.astype(int) - np.rot90(IMAGE[30:50, 50:70], 1)).max() <= 1


def test_outside_the_image_is_black():
    part = cut_square(IMAGE, Pose(0, 0, 40, 0), 40)
    assert part[:20].max() == 0
    assert part[:, :20].max() == 0
    assert part[20:, 20:].max() > 0


@pytest.mark.parametrize("pose", [Pose(-500, 40, 90, 30), Pose(60, 900, 300, 0), Pose(60, 40, 3000, 45)])
def test_a_square_far_outside_or_huge_is_no_error(pose):
    assert cut_square(IMAGE, pose, 48).shape == (48, 48, 3)


def test_a_large_square_is_averaged():
    checked = np.zeros((400, 400, 3), np.uint8)
    checked[::2, ::2] = checked[1::2, 1::2] = 255
    part = cut_square(checked, Pose(200, 200, 192, 20), 48)
    assert abs(int(part[12:36, 12:36].mean()) - 127) < 3
    assert part[12:36, 12:36].std() < 20


@pytest.mark.parametrize("degrees", [0, 30, 90, -135, 180])
def test_points_of_a_turned_image_lead_back(degrees):
    turned, transform = turn(IMAGE, degrees)
    for x, y in ((60, 30), (150, 80)):
        place = np.linalg.solve(transform[:, :2], np.array([x, y]) - transform[:, 2])
        column, row = (place - 0.5).round().astype(int)
        assert np.abs(turned[row, column, :2].astype(int) - (x, y)).max() <= 2
        assert apply(transform, place[np.newaxis])[0] == pytest.approx((x, y))


def test_a_photo_on_its_side_keeps_all_its_pixels():
    turned, _ = turn(IMAGE, 90)
    assert turned.shape == (200, 100, 3)
    assert np.abs(turned.astype(int) - np.rot90(IMAGE)).max() <= 1


def test_a_rotation_keeps_its_centre():
    assert apply(rotation(7, 9, 90), np.array([[7, 9], [8, 9]])) == pytest.approx(np.array([[7, 9], [7, 10]]))


@pytest.mark.parametrize(("degrees", "shape"), [(90, (200, 100, 3)), (180, (100, 200, 3)), (45, (100, 200, 3))])
def test_an_image_that_is_turned_in_its_frame_keeps_its_middle(degrees, shape):
    turned, transform = turn_in_frame(IMAGE, degrees)
    assert turned.shape == shape
    middle = np.array([[shape[1] / 2, shape[0] / 2]])
    assert apply(transform, middle)[0] == pytest.approx((100, 50))
    assert np.abs(turned[shape[0] // 2, shape[1] // 2, :2].astype(int) - (100, 50)).max() <= 1
