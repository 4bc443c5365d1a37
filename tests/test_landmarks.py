"""The roll that follows from the landmarks."""

import numpy as np
import pytest

from mini_xception.landmarks import LANDMARKS, roll_degrees

UPRIGHT = np.array([(30, 40), (70, 40), (50, 60), (35, 85), (65, 85)], float)


def test_there_is_a_name_for_each_point():
    assert len(LANDMARKS) == len(UPRIGHT)


@pytest.mark.parametrize("degrees", [-179, -90, -30, 0, 10, 45, 90, 135, 180])
def test_a_clockwise_turn_is_positive(degrees):
    angle = np.radians(degrees)
    # y points down in an image, so this matrix turns clockwise.
    turned = UPRIGHT @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).T
    assert roll_degrees(turned) == pytest.approx(degrees)
    assert roll_degrees(turned * 3 + 100) == pytest.approx(degrees)
