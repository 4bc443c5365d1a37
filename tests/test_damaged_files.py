"""Truncated files and files with flipped bits give an answer or one error, in bounded time and memory.

A new process reads the files, because a decoder could crash or use all memory.
"""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

#: Limits of the process: seconds of processor time, and bytes of memory. Importing PyTorch takes a part of both.
CPU_S, MEMORY_BYTES = 120, 12_000_000_000

START = f"""
import io, os, random, sys, tempfile, warnings
from pathlib import Path
import numpy as np
if sys.platform != "win32":
    import resource
    resource.setrlimit(resource.RLIMIT_CPU, ({CPU_S}, {CPU_S}))
if sys.platform == "linux":
    resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_BYTES}, {MEMORY_BYTES}))
warnings.simplefilter("ignore")
os.environ["XDG_CACHE_HOME"] = os.devnull
from mini_xception import MiniXceptionError

def damaged(data, n, seed):
    "Yield truncated copies and copies with flipped bits, most of them near the beginning or the end."
    chance = random.Random(seed)
    for i in range(n):
        copy = bytearray(data[: chance.randrange(1, len(data))] if i % 3 == 0 else data)
        for _ in range(0 if i % 6 == 0 else chance.choice((1, 2, 8))):
            place = min(chance.randrange(min(chance.choice((100, 3000, len(data))), len(copy))), len(copy) - 1)
            copy[chance.choice((place, -1 - place))] ^= 1 << chance.randrange(8)
        yield bytes(copy)

def count(form, data, n, use):
    answers = 0
    for i, copy in enumerate(damaged(data, n, form)):
        try:
            use(copy)
            answers += 1
        except MiniXceptionError as error:
            assert "\\n" not in str(error), str(error)
        except Exception as error:
            raise AssertionError(f"{{form}}, copy {{i}}: {{type(error).__name__}}: {{error}}") from error
    use(data)  # The file itself is intact.
    print(form, answers, n - answers)
"""

IMAGES = """
from PIL import Image
from mini_xception import load_image

def encode(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()

def check(data):
    image = load_image(data)
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size

image = Image.open(sys.argv[1]).resize((40, 32))
deep = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 16)
exif = b"Exif\\0\\0II*\\0\\x08\\0\\0\\0\\x01\\0\\x12\\x01\\x03\\0\\x01\\0\\0\\0\\x06\\0\\0\\0" + bytes(4)
two = {"save_all": True, "append_images": [image.rotate(90)]}
files = {kind: encode(image, kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")}
files |= {
    "JPEG, progressive, with EXIF": encode(image, "JPEG", progressive=True, exif=exif),
    "PNG, 16 bits": encode(deep, "PNG"),
    "PNG, palette": encode(image.quantize(16), "PNG", transparency=0),
    "WEBP, lossless": encode(image, "WEBP", lossless=True, exif=exif),
    "WEBP, animated": encode(image, "WEBP", **two),
    "GIF, animated": encode(image, "GIF", **two),
    "TIFF, 16 bits": encode(deep, "TIFF"),
    "TIFF, BigTIFF": encode(image, "TIFF", big_tiff=True),
    "TIFF, LZW": encode(image, "TIFF", compression="tiff_lzw"),
    "TIFF, JPEG": encode(image, "TIFF", compression="jpeg"),
}
try:
    import pillow_heif
except ImportError:
    pass
else:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer)
    files["HEIC"] = buffer.getvalue()
for form, data in files.items():
    count(form, data, 300, check)
"""

CHECKPOINTS = """
import shutil
import torch
from mini_xception import EmotionRecognizer, MiniXception
from mini_xception.checkpoint.folder import BUNDLED
from mini_xception.network.convert import convert_checkpoint
from mini_xception.network.engines import OnnxEngine

folder = Path(tempfile.mkdtemp(dir=sys.argv[1]))
network = MiniXception.from_pretrained()
FILES = ("config.json", "model.safetensors", "model.onnx")

def classify(checkpoint, engine):
    recognizer = EmotionRecognizer.from_pretrained(checkpoint, device="cpu", engine=engine, detector=None)
    probabilities = recognizer.classify([np.zeros((48, 48), np.uint8)])
    assert np.isfinite(probabilities).all() and np.allclose(probabilities.sum(axis=1), 1, atol=1e-3)

def load_with(name):
    for file in FILES:
        shutil.copy(BUNDLED / file, folder / file)
    def load(data):
        (folder / name).write_bytes(data)
        if name == "model.onnx":  # A graph of other weights would be exported anew, which takes a second.
            return OnnxEngine(folder / name)(np.zeros((1, 1, 48, 48), np.float32))
        classify(folder, "torch")
    return load

def convert(data):
    source, target = folder / "source", folder / "target"
    source.write_bytes(data)
    try:
        convert_checkpoint(source, target)
    except MiniXceptionError:
        assert sorted(path.name for path in folder.iterdir()) == ["source"]
        raise
    assert sorted(path.name for path in target.iterdir()) == sorted(FILES[:2])
    try:
        classify(target, "torch")
    finally:
        shutil.rmtree(target)

for name in FILES:
    count(name, (BUNDLED / name).read_bytes(), 60, load_with(name))
for name in FILES:
    (folder / name).unlink()
forms = {}
for form, new in ((".pth", True), ("old .pth", False)):
    buffer = io.BytesIO()
    torch.save({"net": network.state_dict()}, buffer, _use_new_zipfile_serialization=new)
    forms[form] = buffer.getvalue()
try:
    import h5py
except ImportError:
    pass
else:
    from tests.network.test_keras_file import write_h5, write_keras
    keras = MiniXception(image_size=64, mean=0.5, std=0.5, padding="tensorflow", bias=False)
    write_h5(folder / "source", keras, "batch_input_shape")
    forms[".hdf5"] = (folder / "source").read_bytes()
    write_h5(folder / "source", keras)
    forms[".h5"] = (folder / "source").read_bytes()
    write_keras(folder / "source", keras)
    forms[".keras"] = (folder / "source").read_bytes()
for form, data in forms.items():
    count(form, data, 60, convert)
"""

DATA = """
import csv, gzip, json, zipfile
from PIL import Image
from mini_xception.detection import FaceCropper
from mini_xception.network.preprocess import Framing
from mini_xception.training import load_faces

cropper = FaceCropper(None, Framing())

folder = Path(tempfile.mkdtemp(dir=sys.argv[1]))
rng = np.random.default_rng(0)
faces = rng.integers(0, 256, (24, 48, 48), np.uint8)
names = ["calm", "excited"] * 12

def table(rows):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()

def encoded(face):
    buffer = io.BytesIO()
    Image.fromarray(face).save(buffer, "PNG")
    return buffer.getvalue()

def zipped(data):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("fer2013.csv", data)
    return buffer.getvalue()

pixels = [" ".join(map(str, face.reshape(-1))) for face in faces]
usage = ["Training"] * 16 + ["PublicTest"] * 8
rows = [(i % 7, row, split) for i, (row, split) in enumerate(zip(pixels, usage))]
kaggle = table([("emotion", "pixels", "Usage"), *rows])
for i, face in enumerate(faces):
    (folder / f"{i}.png").write_bytes(encoded(face))
lines = [json.dumps({"image": f"{i}.png", "label": name}) for i, name in enumerate(names)]
files = {
    "fer2013.csv": kaggle,
    "fer2013.csv.gz": gzip.compress(kaggle),
    "fer2013.zip": zipped(kaggle),
    "faces.csv": table([("image", "label"), *((f"{i}.png", name) for i, name in enumerate(names))]),
    "faces.jsonl": "\\n".join(lines).encode(),
}
try:
    import pyarrow as arrow, pyarrow.parquet as parquet
except ImportError:
    pass
else:
    buffer = io.BytesIO()
    parquet.write_table(arrow.table({"image": [encoded(face) for face in faces], "label": names}), buffer)
    files["faces.parquet"] = buffer.getvalue()

def load_as(name):
    def load(data):
        (folder / name).write_bytes(data)
        loaded = load_faces(folder / name, faces="crop", cropper=cropper, workers=0, quiet=True)
        assert len(loaded.training.images) and loaded.training.images.dtype == np.uint8
    return load

for name, data in files.items():
    count(name, data, 20, load_as(name))
"""
#: Kind of files → the program that damages and reads them, and the least number of forms.
PROGRAMS = {"images": (IMAGES, 17), "checkpoints": (CHECKPOINTS, 5), "data": (DATA, 5)}


@pytest.mark.slow
@pytest.mark.parametrize("kind", PROGRAMS)
def test_damaged_files_give_an_answer_or_one_error(kind, tmp_path):
    code, least = PROGRAMS[kind]
    argument = ROOT / "examples" / "eileen_collins.jpg" if kind == "images" else tmp_path
    result = subprocess.run(
        [sys.executable, "-c", START + code, argument], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert result.returncode == 0, result.stderr[-3000:]
    counts = {line.rsplit(maxsplit=2)[0]: line.split()[-2:] for line in result.stdout.splitlines()}
    assert len(counts) >= least
    for form, (_, errors) in counts.items():
        assert int(errors) > 0, form
