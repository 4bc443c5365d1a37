"""Write the ONNX files that the package ships: MTCNN's three networks, with facenet-pytorch's weights.

python -m scripts.export_mtcnn
"""

from __future__ import annotations

from mini_xception.detection.networks import GRAPHS, SIDES
from mini_xception.detection.torch_networks import native_graph
from mini_xception.media.atomic import atomic_write


def main() -> None:
    for name in SIDES:
        graph = native_graph(name)
        with atomic_write(GRAPHS / f"{name}.onnx") as temporary:
            temporary.write_bytes(graph)
        print(f"{GRAPHS / name}.onnx: {len(graph):,} bytes")


if __name__ == "__main__":
    main()
