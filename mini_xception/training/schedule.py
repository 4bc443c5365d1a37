"""The learning rate, the averaging decay and the random seeds of each step and epoch."""

from __future__ import annotations

import math

import numpy as np

#: Fraction of a one-cycle run in which the learning rate rises.
WARMUP = 0.1


def one_cycle(step: int, steps: int, peak: float) -> float:
    """Return the one-cycle learning rate: a linear rise to the peak, then half a cosine down to 0 (Smith 2018).

    Args:
        step: number of the step, counted from 0 over the whole run.
        steps: number of steps in the whole run.
        peak: the highest learning rate.
    """
    rise = WARMUP * steps
    if step < rise:
        return peak * min(1.0, (step + 1) / rise)
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rise) / (steps - rise)))


def average_decay(step: int, ema_decay: float) -> float:
    """Return the decay of the moving average at a step.

    The decay is lower at first, so the average soon forgets the initial weights.

    Args:
        step: number of the step, counted from 0 over the whole run.
        ema_decay: the highest decay.
    """
    return min(ema_decay, (1 + step) / (10 + step))


def epoch_seed(seed: int, epoch: int, purpose: int) -> int:
    """Return the random seed for one purpose in one epoch.

    Every epoch starts with new seeds, so a run can be resumed without saved generator states.
    """
    return int(np.random.SeedSequence((seed, epoch, purpose)).generate_state(1)[0])
