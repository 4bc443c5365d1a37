"""The regression of recipes/teacher.py, which combines networks and votes."""

import numpy as np

from recipes.teacher import LabelRegression


def guesses(labels: np.ndarray, wrong: float, rng: np.random.Generator) -> np.ndarray:
    """Make probabilities: 0.7 for the label or, in a fraction of the rows, for a random one."""
    guessed = np.where(rng.random(len(labels)) < wrong, rng.integers(0, 7, len(labels)), labels)
    return np.full((len(labels), 7), 0.05, np.float32) + 0.65 * np.eye(7, dtype=np.float32)[guessed]


def test_networks_and_votes_together_are_better_than_either():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 4000)
    networks, votes = guesses(labels, 0.4, rng), guesses(labels, 0.4, rng)
    regression = LabelRegression(networks[:2000], votes[:2000], labels[:2000])
    together = regression(networks[2000:], votes[2000:])
    assert np.allclose(together.sum(axis=1), 1, atol=1e-5)
    sources = {"networks": networks[2000:], "votes": votes[2000:], "together": together}
    loss = {name: -np.log(row[np.arange(2000), labels[2000:]]).mean() for name, row in sources.items()}
    assert loss["together"] < 0.9 * min(loss["networks"], loss["votes"])


def test_the_more_accurate_source_counts_more():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 7, 4000)
    networks, votes = guesses(labels, 0.8, rng), guesses(labels, 0.1, rng)
    together = LabelRegression(networks, votes, labels)(networks, votes)
    assert (together.argmax(1) == votes.argmax(1)).mean() > 0.99
