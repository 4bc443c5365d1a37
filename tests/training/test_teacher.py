"""The teacher that sees the votes, too."""

import numpy as np
from teacher import LabelRegression


def guesses(labels: np.ndarray, wrong: float, rng: np.random.Generator) -> np.ndarray:
    """Somebody's probabilities: 0.7 for the label or, in a share of the rows, for any."""
    said = np.where(rng.random(len(labels)) < wrong, rng.integers(0, 7, len(labels)), labels)
    return np.full((len(labels), 7), 0.05, np.float32) + 0.65 * np.eye(7, dtype=np.float32)[said]


def test_networks_and_votes_know_more_together():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 4000)
    networks, votes = guesses(labels, 0.4, rng), guesses(labels, 0.4, rng)
    regression = LabelRegression(networks[:2000], votes[:2000], labels[:2000])
    together = regression(networks[2000:], votes[2000:])
    assert np.allclose(together.sum(axis=1), 1, atol=1e-5)
    known = {"networks": networks[2000:], "votes": votes[2000:], "together": together}
    loss = {who: -np.log(said[np.arange(2000), labels[2000:]]).mean() for who, said in known.items()}
    assert loss["together"] < 0.9 * min(loss["networks"], loss["votes"])


def test_a_better_informed_side_counts_more():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 7, 4000)
    networks, votes = guesses(labels, 0.8, rng), guesses(labels, 0.1, rng)
    together = LabelRegression(networks, votes, labels)(networks, votes)
    assert (together.argmax(1) == votes.argmax(1)).mean() > 0.99
