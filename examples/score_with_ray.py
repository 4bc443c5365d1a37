"""Recognise the expressions in many photos with Ray Data, on this machine or on the cluster in RAY_ADDRESS.

    pip install 'ray[data]'
    python examples/score_with_ray.py PHOTOS OUT

PHOTOS is a folder of photos, or a Parquet file with a column "bytes". OUT becomes a folder of Parquet files with one
row per photo: the other columns of PHOTOS, "faces", and "error", which is null if the photo could be read. If a process
or a machine dies, Ray repeats its work elsewhere, so each photo appears exactly once.
"""

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray sends usage statistics by default.

import pyarrow as pa
import ray

from mini_xception import EmotionRecognizer, MiniXceptionError
from mini_xception.media.image import SUFFIXES

#: Photos per call of an actor.
BATCH_SIZE = 32


class Scorer:
    """A Ray actor. It loads the recogniser once."""

    def __init__(self) -> None:
        self.recognizer = EmotionRecognizer.from_pretrained()
        face = {
            "box": pa.list_(pa.int32(), 4),
            "score": pa.float32(),
            "emotion": pa.string(),
            "confidence": pa.float32(),
            "probabilities": pa.struct({label: pa.float32() for label in self.recognizer.labels}),
        }
        self.faces = pa.list_(pa.struct(face))  # An explicit type, because a batch may have no faces.

    def __call__(self, photos: pa.Table) -> pa.Table:
        faces, errors = zip(*map(self.score, photos["bytes"].to_pylist()), strict=True)
        scored = photos.drop_columns("bytes").append_column("faces", pa.array(faces, self.faces))
        return scored.append_column("error", pa.array(errors, pa.string()))

    def score(self, data: bytes) -> tuple[list[dict[str, Any]] | None, str | None]:
        try:
            return [face.to_dict() for face in self.recognizer(data)], None
        except MiniXceptionError as error:
            return None, str(error)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--actors", type=int, help="number of processes; default: one per core")
    args = parser.parse_args()

    ray.init(include_dashboard=False)
    if args.photos.suffix == ".parquet":
        photos = ray.data.read_parquet(str(args.photos))
    else:
        endings = [suffix.removeprefix(".") for suffix in SUFFIXES]
        photos = ray.data.read_binary_files(str(args.photos), include_paths=True, file_extensions=endings)
    # Actors reserve half of Ray's cores. If they had all, no task could read or write.
    actors = ray.data.ActorPoolStrategy(size=args.actors or int(ray.cluster_resources()["CPU"]))
    scored = photos.map_batches(Scorer, batch_size=BATCH_SIZE, batch_format="pyarrow", compute=actors, num_cpus=0.5)
    scored.write_parquet(str(args.out.resolve()), mode="create")
    print(f"{args.out}: {ray.data.read_parquet(str(args.out)).count()} photos")


if __name__ == "__main__":
    main()
