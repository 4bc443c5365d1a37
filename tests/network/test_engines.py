"""Every engine gives the same answer. A missing package or an engine that cannot run gives a one-line error."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from mini_xception import EmotionRecognizer, MiniXception, MiniXceptionError
from mini_xception.checkpoint.folder import BUNDLED
from mini_xception.network.engines import ENGINES, OnnxEngine, choose_engine
from mini_xception.network.graph import fold_batch_norms
from mini_xception.network.torch_engine import TorchEngine
from mini_xception.training.fer2013 import load_fer2013


@pytest.fixture(scope="module")
def plain():
    """Probabilities computed by calling the network directly, in float32."""
    model = MiniXception.from_pretrained(device="cpu")

    def classify(crops: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return (model(model.preprocess(crops)) / model.temperature).softmax(dim=1).numpy()

    return classify


@pytest.fixture(scope="module", params=("torch", *ENGINES))
def classifier(request):
    recognizer = EmotionRecognizer.from_pretrained(device="cpu", engine=request.param, detector=None)
    tolerance = 0.05 if request.param == "openvino-bf16" else 1e-4
    return recognizer, tolerance


@pytest.fixture(scope="module")
def crops():
    return np.random.default_rng(0).integers(0, 256, (300, 48, 48), np.uint8)


def test_same_probabilities(classifier, plain, crops):
    recognizer, tolerance = classifier
    for count in (1, 2, 33, 300):
        probabilities = recognizer.classify(crops[:count])
        assert probabilities.shape == (count, 7)
        assert probabilities.dtype == np.float32
        assert np.abs(probabilities - plain(crops[:count])).max() <= tolerance
    assert recognizer.classify([]).shape == (0, 7)


@pytest.mark.slow
def test_same_labels_on_public_test(classifier, plain, fer2013):
    recognizer, tolerance = classifier
    faces = load_fer2013(fer2013, "PublicTest")
    probabilities, expected = recognizer.classify(faces.images), plain(faces.images)
    labels = probabilities.argmax(axis=1)
    if tolerance <= 1e-4:
        assert np.abs(probabilities - expected).max() <= tolerance
    # bfloat16 changes 1.3 % of the labels; see docs/performance.md.
    assert (labels != expected.argmax(axis=1)).mean() <= (0.02 if tolerance > 1e-4 else 0.01)
    accuracies = [(guess == faces.labels).mean() for guess in (labels, expected.argmax(axis=1))]
    assert abs(accuracies[0] - accuracies[1]) <= 0.002


def test_threads_share_an_engine(classifier, crops):
    recognizer, _ = classifier
    batches = [crops[start : start + count] for start, count in ((0, 1), (7, 40), (100, 3), (50, 200))]
    expected = [recognizer.classify(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            for found, wanted in zip(pool.map(recognizer.classify, batches), expected, strict=True):
                assert np.allclose(found, wanted, atol=1e-6)


def test_temperature_flattens(crops):
    torch.manual_seed(0)
    sharp = MiniXception(temperature=1.0)
    soft = MiniXception(temperature=4.0)
    soft.load_state_dict(sharp.state_dict())
    sharp, soft = (EmotionRecognizer(model, detector=None, engine="torch").classify(crops) for model in (sharp, soft))
    assert np.array_equal(sharp.argmax(axis=1), soft.argmax(axis=1))
    assert (soft.max(axis=1) < sharp.max(axis=1)).all()
    logits = np.log(sharp) / 4
    assert np.allclose(soft, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), atol=1e-5)


def test_an_engine_keeps_the_weights_it_was_given(crops):
    model = MiniXception()
    recognizer = EmotionRecognizer(model, detector=None)
    before = recognizer.classify(crops[:2])
    torch.nn.init.zeros_(model.conv.weight)
    assert np.array_equal(recognizer.classify(crops[:2]), before)


def test_any_callable_is_an_engine(crops):
    def always_the_second(faces):
        assert faces.dtype == np.float32
        return np.tile(np.array([0, 9, 0, 0, 0, 0, 0], np.float32), (len(faces), 1))

    recognizer = EmotionRecognizer(MiniXception(), detector=None, engine=always_the_second)
    assert (recognizer.classify(crops).argmax(axis=1) == 1).all()


def test_folded_batch_norms_change_nothing():
    torch.manual_seed(0)
    model = MiniXception()
    for norm in (module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)):
        for values in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
            torch.nn.init.uniform_(values, 0.5, 2)
    folded = fold_batch_norms(model)
    faces = torch.rand(3, 1, 48, 48)
    with torch.inference_mode():
        assert torch.allclose(folded(faces), model.eval()(faces), rtol=1e-4, atol=1e-4)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())


def test_auto_is_onnx_on_a_cpu_and_torch_elsewhere():
    assert choose_engine("auto", "cpu") == "onnx"
    assert choose_engine("auto", "cuda") == "torch"


def test_a_cpu_engine_on_a_gpu():
    with pytest.raises(MiniXceptionError, match="'onnx' runs only on the CPU, not on cuda"):
        choose_engine("onnx", "cuda")


#: Starts Python as if packages were absent.
WITHOUT = """
import importlib.util, sys
absent = {absent!r}
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name.split(".")[0] in absent else find(name, *rest)
sys.modules.update(dict.fromkeys(absent))
from mini_xception import EmotionRecognizer, MiniXceptionError
"""


def run_without(absent: list[str], code: str) -> str:
    script = WITHOUT.format(absent=absent) + code
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout


def test_a_missing_package_is_one_clear_line():
    code = """
try:
    EmotionRecognizer.from_pretrained(device="cpu", engine="openvino", detector=None)
except MiniXceptionError as error:
    print(error)
"""
    assert run_without(["openvino"], code) == "engine 'openvino' needs openvino; pip install openvino\n"


def test_without_onnx_a_checkpoint_without_a_graph_runs_in_pytorch(tmp_path):
    MiniXception().save_pretrained(tmp_path / "checkpoint")
    code = f"""
import numpy as np
crops = np.zeros((1, 48, 48), np.uint8)
recognizer = EmotionRecognizer.from_pretrained({str(tmp_path / "checkpoint")!r}, detector=None)
print(type(recognizer.engine).__name__, recognizer.classify(crops).shape)
try:
    EmotionRecognizer.from_pretrained({str(tmp_path / "checkpoint")!r}, engine="onnx", detector=None)
except MiniXceptionError as error:
    print(error)
"""
    assert run_without(["onnx"], code).splitlines() == [
        "TorchEngine (1, 7)",
        "exporting model.onnx needs the onnx package; pip install onnx",
    ]


def test_onnx_runtime_reports_nothing_home(tmp_path):
    """Its telemetry would leave a device identifier in the cache."""
    code = "from mini_xception import EmotionRecognizer; EmotionRecognizer.from_pretrained(device='cpu', engine='onnx')"
    subprocess.run([sys.executable, "-c", code], check=True, env={"XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": "."})
    assert not (tmp_path / "Microsoft").exists()


def test_calls_at_the_same_time_leave_the_number_of_threads_as_it_was():
    """The second call begins during the first and ends after it. A thread that starts later has the original number."""
    first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))

    class Network(torch.nn.Module):
        def __init__(self, enter: Callable[[], None]) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))
            self.enter = enter

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.enter()
            return x

    def first() -> None:
        first_is_in.set()
        second_is_in.wait(10)

    def second() -> None:
        second_is_in.set()
        first_is_out.wait(10)

    def call(enter: Callable[[], None]) -> None:
        TorchEngine(Network(enter))(np.zeros((1, 1, 2, 2), np.float32))

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(call, first)
            first_is_in.wait(10)
            two = pool.submit(call, second)
            one.result()
            first_is_out.set()
            two.result()
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(before)


def test_outputs_that_are_not_finite_are_an_error():
    """Weights that are damaged but finite can give them."""

    def engine(inputs):
        return np.full((len(inputs), 7), np.nan, np.float32)

    recognizer = EmotionRecognizer(MiniXception(), detector=None, engine=engine)
    with pytest.raises(MiniXceptionError, match="the network's output is not finite"):
        recognizer.classify([np.zeros((48, 48), np.uint8)])


def test_a_damaged_graph_prints_nothing(capfd):
    """ONNX Runtime would print to standard output, which may hold JSON."""
    data = bytearray((BUNDLED / "model.onnx").read_bytes())
    for place in range(100, 3000, 50):
        data[place] ^= 0xFF
        with contextlib.suppress(MiniXceptionError):
            OnnxEngine(bytes(data))
        data[place] ^= 0xFF
    assert capfd.readouterr().out == ""
