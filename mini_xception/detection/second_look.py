"""The second look at an image, for faces that the first look misses: tilted, small, or uncertain.

A face is a row of float32, as in :mod:`mini_xception.detection.cascade`: x1, y1, x2, y2, score, then x of the five
landmarks, then y. A *candidate* is a row that may be a face. It becomes one if the third network also accepts it when
it is cut out upright, in two sizes, each also mirrored.
"""

from __future__ import annotations

import cmath
import math

import cv2
import numpy as np

from mini_xception.detection.cascade import OUTPUT_SIDE, Cascade, Proposals
from mini_xception.detection.pose import Pose, apply, cut_square, rotation, square_transform, turn, turn_in_frame
from mini_xception.detection.suppress import overlap_any
from mini_xception.landmarks import TILTED_DEGREES, roll_degrees

#: Rolls at which an image without an upright face is searched, in degrees. The cascade finds faces that are up to about
#: 25° away.
TURNS = (90, -90, 180, 45, -45, 135, -135)
#: The image is scaled down by this factor for these searches, so that each costs a fraction of the first look.
TURNED_SCALE = 2.5
#: If the faces of an image are tilted, it is searched once more at their roll, for faces from this many times the
#: smallest size.
TILTED_SIZE = 1.4
#: If an image has no face, or one of less than this many times the smallest size, it is searched for smaller ones.
SMALL = 1.5
#: The smallest size of that search, as a fraction of the smallest size of the first look: one more pyramid level.
SMALLER = 0.7
#: Maximum number of candidates in a search of an image without known faces.
MAX_CANDIDATES = 4
#: In an image with known faces, there may be as many candidates as faces, and this many more.
MORE_CANDIDATES = 1
#: A face is certain if its score is at least this. Otherwise it is compared with itself at three other rolls, because
#: the cascade also accepts some faces that are upside down.
CERTAIN_SCORE = 0.997
QUARTERS = (0, 90, 180, 270)
#: An uncertain face becomes a candidate if its logit is not the highest of the four, or if the mean of this logit and
#: its own is lower than this.
MIN_UNCERTAIN_LOGIT = 2.2
#: A candidate is dropped after its first examination if the mean of its own logit and this examination's is lower.
MIN_FIRST_LOGIT = 0.5
#: Sides of the squares in which a candidate is examined, as fractions of its longer side.
EXAMINED_SIDES = (1.0, 0.9)
#: Minimum mean of the five logits of a face. In photos without faces, the highest mean is 2.5, and in most there is no
#: candidate.
MIN_MEAN_LOGIT = 2.6


class SecondLook:
    """A second look at one image.

    Args:
        cascade: the networks.
        image: RGB, uint8, (H, W, 3).
        min_face_size: the smallest face that the first look searched for, in pixels.
        min_score: minimum score of a face that needs no examination.
    """

    def __init__(self, cascade: Cascade, image: np.ndarray, min_face_size: int, min_score: float) -> None:
        self._cascade = cascade
        self._image = image
        self._min_face_size = min_face_size
        self._min_score = min_score
        self._faces = np.empty((0, 15), np.float32)

    def __call__(self, first: Proposals, *, smaller: bool) -> np.ndarray:
        """Return the faces of the image, (N, 15), those of the first look included.

        Args:
            first: the proposals of the first look.
            smaller: whether to search for faces below the smallest size, where they are likely.
        """
        self._add(*self._read(self._image, first, self._faces))
        if len(self._faces) == 0:
            self._search_turned()
        if len(self._faces) and abs(roll := mean_roll(self._faces)) > TILTED_DEGREES:
            self._search_tilted(round(roll))
        heights = self._faces[:, 3] - self._faces[:, 1]
        if smaller and (len(heights) == 0 or heights.min() < SMALL * self._min_face_size):
            proposals = self._cascade.propose(self._image, round(SMALLER * self._min_face_size), max_levels=1)
            self._add(*self._read(self._image, proposals, self._faces))
        return self._faces

    def _search_turned(self) -> None:
        """Search the image at all TURNS at once: downscaled, turned, and put side by side."""
        scale = 1 / TURNED_SCALE
        small = cv2.resize(self._image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        turned, transforms = zip(*(turn_in_frame(small, degrees) for degrees in TURNS), strict=True)
        height = max(len(image) for image in turned)
        row = np.hstack([np.pad(image, ((0, height - len(image)), (0, 0), (0, 0))) for image in turned])
        stops = np.cumsum([image.shape[1] for image in turned])
        candidates = self._cascade.candidates(
            self._cascade.propose(row, self._min_face_size), self._faces, MAX_CANDIDATES
        )
        placed = []
        for face in candidates:
            i = min(int(np.searchsorted(stops, (face[0] + face[2]) / 2)), len(TURNS) - 1)
            face[[0, 2, *range(5, 10)]] -= stops[i] - turned[i].shape[1]
            placed.append(place(face, transforms[i] * TURNED_SCALE, TURNS[i]))
        self._add(self._faces, _rows(placed))

    def _search_tilted(self, roll: int) -> None:
        """Search the image at one roll. Faces that were known take the boxes of this search."""
        turned, transform = turn(self._image, roll)
        proposals = self._cascade.propose(turned, round(TILTED_SIZE * self._min_face_size))
        known, self._faces = self._faces, self._faces[:0]
        found = self._read(turned, proposals, self._faces)
        self._add(*(_rows([place(face, transform, roll) for face in faces]) for faces in found))
        self._faces = append_new(self._faces, known)

    def _read(self, image: np.ndarray, proposals: Proposals, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the faces and the candidates of a search, apart from the known faces."""
        faces = self._cascade.faces(proposals)
        faces, misread = check_roll(self._cascade, image, faces[faces[:, 4] >= self._min_score])
        known = np.vstack([known, faces, misread])
        limit = len(known) + MORE_CANDIDATES if len(known) else MAX_CANDIDATES
        return faces, np.vstack([misread, self._cascade.candidates(proposals, known, limit)])

    def _add(self, faces: np.ndarray, candidates: np.ndarray) -> None:
        self._faces = append_new(self._faces, faces)
        self._faces = append_new(self._faces, examine(self._cascade, self._image, candidates))


def check_roll(cascade: Cascade, image: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compare uncertain faces with themselves at three other rolls.

    Returns:
        The faces that stay, and the others as candidates, at their best roll.
    """
    stays = faces[:, 4] >= CERTAIN_SCORE
    misread = []
    for i in np.flatnonzero(~stays):
        pose = pose_of(faces[i])
        squares = [cut_square(image, pose._replace(roll=pose.roll + roll), OUTPUT_SIDE) for roll in QUARTERS]
        logits = cascade.examine(np.stack(squares))[:, 0]
        best = int(logits.argmax())
        own = math.log(faces[i, 4] / max(1 - faces[i, 4], 1e-6))
        if best == 0 and own + logits[0] >= 2 * MIN_UNCERTAIN_LOGIT:
            stays[i] = True
            continue
        turned = place(faces[i], rotation(pose.x, pose.y, QUARTERS[best]), QUARTERS[best])
        turned[4] = 1 / (1 + np.exp(-logits[best]))
        misread.append(turned)
    return faces[stays], _rows(misread)


def examine(cascade: Cascade, image: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Return the candidates that are faces, with better boxes and landmarks: (N, 15)."""
    if len(candidates) == 0:
        return candidates
    logits = np.log(candidates[:, 4] / np.maximum(1 - candidates[:, 4], 1e-6))
    poses = [pose_of(face) for face in candidates]
    outputs = cascade.examine(np.stack([cut_square(image, pose, OUTPUT_SIDE) for pose in poses]))
    kept = np.flatnonzero(logits + outputs[:, 0] >= 2 * MIN_FIRST_LOGIT)
    if len(kept) == 0:
        return candidates[:0]
    poses = [pose_of(_face(outputs[i], poses[i])) for i in kept]
    squares = [
        cut_square(image, pose._replace(side=share * pose.side), OUTPUT_SIDE)
        for share in EXAMINED_SIDES
        for pose in poses
    ]
    outputs = cascade.examine(np.stack([*squares, *(square[:, ::-1] for square in squares)]))
    mean = np.vstack([logits[kept], outputs[:, 0].reshape(-1, len(kept))]).mean(axis=0)
    # The first outputs are those of the squares in full size, not mirrored.
    faces = _rows([_face(output, pose) for output, pose in zip(outputs, poses, strict=False)])
    faces[:, 4] = 1 / (1 + np.exp(-mean))
    return faces[mean >= MIN_MEAN_LOGIT]


def pose_of(face: np.ndarray) -> Pose:
    """Return the pose of a face's square: its centre, its longer side and its roll."""
    x1, y1, x2, y2 = map(float, face[:4])
    return Pose((x1 + x2) / 2, (y1 + y2) / 2, max(x2 - x1, y2 - y1), roll_degrees(face[5:].reshape(2, 5).T))


def place(face: np.ndarray, transform: np.ndarray, roll: float) -> np.ndarray:
    """Map a face from a turned image to the original image. The box of a tilted face becomes a square.

    Args:
        face: (15,), in the turned image.
        transform: of the turned image; see :mod:`mini_xception.detection.pose`.
        roll: by how much the image was turned, in degrees.
    """
    corners = face[:4].reshape(2, 2)
    centre = apply(transform, corners.mean(axis=0, keepdims=True))[0]
    half = (corners[1] - corners[0]) / 2 * math.hypot(*transform[:, 0])
    if abs(roll) > TILTED_DEGREES:
        half[:] = half.max()
    landmarks = apply(transform, face[5:].reshape(2, 5).T).T
    return np.concatenate([centre - half, centre + half, face[4:5], landmarks.reshape(-1)]).astype(np.float32)


def mean_roll(faces: np.ndarray) -> float:
    """Return the mean direction of the faces' rolls, in degrees."""
    return math.degrees(cmath.phase(sum(cmath.rect(1, math.radians(pose_of(face).roll)) for face in faces)))


def append_new(faces: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Append the rows that overlap no face, in their order."""
    for face in more:
        if not overlap_any(face[np.newaxis], faces)[0]:
            faces = np.vstack([faces, face])
    return faces


def _face(output: np.ndarray, pose: Pose) -> np.ndarray:
    """Map the third network's output for a square to the image: (15,), with score 0."""
    return place(np.concatenate([output[1:5], [0], output[5:]]), square_transform(pose, 1), pose.roll)


def _rows(faces: list[np.ndarray]) -> np.ndarray:
    return np.array(faces, np.float32).reshape(-1, 15)
