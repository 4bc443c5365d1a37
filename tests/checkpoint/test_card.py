"""Model cards: they describe the checkpoint, and keep what others wrote."""

import re
import tomllib

import numpy as np
import pytest
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries

from mini_xception import EMOTIONS, MiniXception
from mini_xception.checkpoint.card import REPOSITORY
from mini_xception.checkpoint.folder import BUNDLED
from mini_xception.evaluation import write_report
from tests.checkpoint.conftest import REPO
from tests.checkpoint.test_push import METRICS, push, readme, refusal
from tests.conftest import PORTRAIT, ROOT


def test_card_describes_the_checkpoint(hub, tmp_path):
    model = MiniXception(metrics=METRICS)
    model.provenance = {"recipe": "mini-xception train --data fer2013.csv --preset best", "commit": "abc"}
    folder = tmp_path / "run" / "best"
    model.save_pretrained(folder)
    (tmp_path / "run" / "confusion_matrix.png").write_bytes(b"a plot")
    (tmp_path / "run" / "curves.png").write_bytes(b"another plot")
    (folder / "model.onnx").write_bytes(b"a graph")
    push(folder)
    files = hub.model(REPO).files
    pushed = {"config.json", "model.safetensors", "model.onnx", "README.md", "confusion_matrix.png", "curves.png"}
    assert set(files) == pushed | {".gitattributes", ".eval_results/fer2013.yaml"}

    card = ModelCard(readme(hub))
    assert card.data.library_name == "mini_xception"
    assert card.data.pipeline_tag == "image-classification"
    assert card.data.license == "mit"
    assert card.data.metrics == ["accuracy", "f1"]
    assert [(result.metric_type, result.metric_value) for result in card.data.eval_results] == [
        ("accuracy", 0.6601),
        ("f1", 0.6284),
    ]
    assert card.data.eval_results[0].dataset_split == "PublicTest"
    for text in ("validation set", "![", "(curves.png)", "--preset best", "## Limits", "ONNX", "| 0.6601 | 0.6284 |"):
        assert text in card.text
    assert "{" not in card.text
    (entry,) = parse_eval_result_entries(yaml.safe_load(files[".eval_results/fer2013.yaml"]))
    assert (entry.value, entry.dataset_id) == (66.01, card.data.datasets[0])


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        ({"accuracy": "90%"}, "accuracy must be a number from 0 to 1, not '90%'"),
        ({"recall": {"a": 1.0}, "precision": {"a": 1.0}}, "recall must have one number for each of angry, disgust"),
        ({"recall": dict.fromkeys(EMOTIONS, "high")}, "recall must have numbers from 0 to 1, not ['high'"),
    ],
)
def test_invalid_metrics_are_rejected_before_any_request(hub, folder, metrics, reason):
    MiniXception(metrics=metrics).save_pretrained(folder)
    assert reason in refusal(folder)
    assert hub.requests == []


@pytest.mark.parametrize(
    ("intervals", "reason"),
    [
        ([0.1, 0.9], "intervals must be a dictionary, not [0.1, 0.9]"),
        ({"accuracy": 0.9}, "an interval of accuracy must be [low, high], not 0.9"),
        ({"recall": [0.1, 0.9]}, "intervals of recall must be a dictionary"),
        ({"recall": {"happy": ["low", "high"]}}, "an interval of recall must be [low, high], not ['low', 'high']"),
    ],
)
def test_invalid_intervals_are_rejected(hub, folder, intervals, reason):
    MiniXception(metrics={"accuracy": 0.9, "intervals": intervals}).save_pretrained(folder)
    assert reason in refusal(folder)
    assert hub.requests == []


def test_the_card_has_the_figures_of_each_class(hub, folder, tmp_path):
    """The report's metrics, with a class without images and names that are Markdown or HTML."""
    labels = ("a|b", "<b>_no_", "absent")
    truth = np.array([0, 0, 0, 0, 1, 1])
    probabilities = np.eye(3, dtype=np.float32)[[0, 0, 0, 1, 1, 1]]
    report = write_report(tmp_path, probabilities, truth, labels, np.zeros((6, 48, 48), np.uint8), title="six images")
    MiniXception(labels=labels, metrics={"dataset": "mine", "split": "test", **report["metrics"]}).save_pretrained(
        folder
    )
    push(folder)
    text = readme(hub)
    assert r"3 classes: a\|b, \<b\>\_no\_, absent." in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    low, high = report["metrics"]["intervals"]["accuracy"]
    assert table[2].startswith("| 0.8333 | 0.8750 |")
    assert table[3].startswith(f"| {low:.4f}–{high:.4f} |")
    assert table[4] == "| class | recall | precision | F1 | images |"
    low, high = report["metrics"]["intervals"]["recall"]["a|b"]
    assert table[6].startswith(rf"| a\|b | 75.0 % ({100 * low:.0f}–{100 * high:.0f}) | 100.0 % (44–100) |")
    assert table[6].endswith("| 4 |")
    assert table[7].startswith(r"| \<b\>\_no\_ | 100.0 % (34–100) | 66.7 %")
    assert table[8] == "| absent | – | – | – | 0 |"
    assert "95 % intervals" in text
    assert "A dash means: not defined" in text
    assert MiniXception.from_pretrained(folder).metrics["recall"]["absent"] is None


@pytest.mark.parametrize(("dataset", "listed"), [("my_photos", None), ("owner/photos", ["owner/photos"])])
def test_the_card_of_other_classes_names_them_and_the_data(hub, tmp_path, dataset, listed):
    metrics = {"dataset": dataset, "split": "validation", "n": 60, "accuracy": 0.9}
    MiniXception(labels=("bored", "not bored"), metrics=metrics).save_pretrained(tmp_path)
    push(tmp_path)
    card = ModelCard(readme(hub))
    assert card.data.datasets == listed
    assert "a face into 2 classes: bored, not bored." in card.text
    assert "The weights were chosen on the validation set" in card.text
    assert f"{dataset}, validation, 60 images" in card.text
    assert "PublicTest" not in card.text
    assert ".eval_results/fer2013.yaml" not in hub.model(REPO).files


def test_metrics_without_a_data_set(hub, folder):
    MiniXception(metrics={"accuracy": 0.9}).save_pretrained(folder)
    push(folder)
    assert "\none forward pass in float32." in readme(hub)


def test_code_of_the_card_runs(hub, folder, monkeypatch, tmp_path, capsys):
    push(folder)
    (code,) = re.findall(r"```python\n(.*?)```", readme(hub), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(PORTRAIT.read_bytes())
    exec(code, {})
    assert "angry" in capsys.readouterr().out


def test_edits_by_others_are_kept(hub, folder):
    push(folder)
    repo = hub.model(REPO)
    before = readme(hub).replace("license: mit", "license: apache-2.0\nco2: 3")
    repo.push({"README.md": ("\n" + before.strip() + "\n\n## Thanks\r\n\r\nto all – of you.").lstrip().encode()})
    MiniXception(metrics=METRICS).save_pretrained(folder)
    push(folder)
    after = readme(hub)
    assert after.endswith("\n\n## Thanks\r\n\r\nto all – of you.")
    assert ModelCard(after).data.license == "apache-2.0"
    assert ModelCard(after).data.co2 == 3
    assert "| 0.6601 | 0.6284 |" in after
    assert ModelCard(after).data.eval_results[0].metric_value == 0.6601
    commits = len(repo.commits)
    push(folder)
    assert (readme(hub), len(repo.commits)) == (after, commits)


@pytest.mark.parametrize("text", ["My own words.\n", "---\nlicense: mit # mine\n---\nMy own\r\nwords."])
def test_readme_without_marks_is_unchanged(hub, folder, text):
    hub.create(REPO).push({"README.md": text.encode()})
    push(folder)
    assert readme(hub) == text
    assert "model.safetensors" in hub.model(REPO).files


def test_readme_with_only_front_matter_becomes_a_card(hub, folder):
    hub.create(REPO).push({"README.md": b"---\nlicense: gpl\n---\n"})
    push(folder)
    assert "from_pretrained" in readme(hub)


def test_readme_with_invalid_front_matter_is_an_error(hub, folder):
    hub.create(REPO).push({"README.md": b"---\nlicense: [mit\n---\nMy own words.\n"})
    assert "README.md: the front matter is not valid YAML" in refusal(folder)


def test_install_command_of_the_card_is_the_repository(hub, folder):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["urls"]["Source"] == REPOSITORY
    push(folder)
    assert f"\npip install '{project['name']} @ git+{REPOSITORY}'\n" in readme(hub)


def test_bundled_weights_are_published_with_their_own_card(hub):
    push(BUNDLED)
    text = (BUNDLED / "README.md").read_text()
    assert text.strip() in readme(hub)
    assert f'from_pretrained("{REPO}")' in readme(hub)
    assert ModelCard(readme(hub)).data.pipeline_tag == "image-classification"
    for name in ("config.json", "model.safetensors"):
        assert hub.model(REPO).files[name] == (BUNDLED / name).read_bytes()
