"""Model cards: what a repository on the Hub says about its weights, written from what the checkpoint itself says."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from mini_xception.errors import MiniXceptionError

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, ModelCard

BEGIN, END = "<!-- mini-xception: written anew at every push, to the end mark -->", "<!-- mini-xception: end mark -->"
SECTION = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)

#: Data sets by the name that ``metrics`` gives them, on the Hub; FER2013's has its three splits.
DATASETS = {"FER2013": "Aaryan333/fer2013_train_publicTest_privateTest"}
RESULTS = ".eval_results/fer2013.yaml"
#: name in ``metrics`` → name on the Hub, and for people; all are fractions of 1.
SCORES = {
    "accuracy": ("accuracy", "accuracy"),
    "balanced_accuracy": ("balanced_accuracy", "balanced accuracy"),
    "macro_f1": ("f1", "macro-F1"),
    "ece": ("expected_calibration_error", "ECE"),
}
#: file → what it shows.
PICTURES = {
    "confusion_matrix.png": "Confusion matrix: rows are the truth",
    "reliability.png": "Reliability diagram",
    "curves.png": "Loss and accuracy over the epochs",
}

TEMPLATE = (
    """---
{{ card_data }}
---

# {{ repo.split("/")[-1] }}

"""
    + BEGIN
    + """
mini_Xception ([Arriaga et al. 2017](https://arxiv.org/abs/1710.07557)): tells {{ labels | length }} classes apart,
{{ labels | join(", ") }}. Its input is one grey face, {{ config.image_size }}×{{ config.image_size }} pixels.

## Use

```bash
pip install mini-xception
mini-xception predict photo.jpg --checkpoint {{ repo }}
```

```python
from mini_xception import EmotionRecognizer

recognizer = EmotionRecognizer.from_pretrained("{{ repo }}")
for face in recognizer("photo.jpg"):
    print(face.box, face.emotion, face.probabilities)
```

The model alone is `MiniXception.from_pretrained("{{ repo }}")`; its `preprocess` makes the input from uint8 crops.
{%- if "model.onnx" in files %} `model.onnx` is the same network for ONNX Runtime.{% endif %}
{% if scores %}
## Results

{{ [metrics.dataset, metrics.split, (metrics.n ~ " pictures") if metrics.n, "one forward pass in float32"]
| select | join(", ") }}.
{%- if metrics.split == "PublicTest" %} PublicTest is the validation set: the weights were chosen on it, so an unseen
set will give a little less.{% endif %}

| {{ scores.keys() | join(" | ") }} |
|{{ " --- |" * scores | length }}
|{% for value in scores.values() %} {{ "%.4f" | format(value) }} |{% endfor %}
{% endif %}{% if metrics.recall and metrics.precision %}
| | {{ labels | join(" | ") }} |
| --- |{{ " --- |" * labels | length }}
{% for row in ("recall", "precision") -%}
| {{ row }} |{% for label in labels %} {{ "%.1f %%" | format(100 * metrics[row][label]) }} |{% endfor %}
{% endfor %}{% endif %}{% for file, caption in pictures.items() %}
![{{ caption }}]({{ file }})
{% endfor %}{% if provenance.recipe %}
## Training

```bash
{{ provenance.recipe }}
```
{% if provenance.commit %}
Code: {{ provenance.commit }}.
{% endif %}{% endif %}
## Limits

An expression is not a feeling: the model reads what a face shows, in the sense of the labels it was trained on, not
what a person feels, thinks or intends. Do not use it to decide about people; in the EU, inferring emotions at work and
in schools is prohibited (AI Act, article 5). How well it reads people of different age, gender, skin colour or culture
was not measured; expect differences.
"""
    + END
    + "\n"
)


def write_card(repo: str, config: dict[str, Any], provenance: dict[str, str], files: Collection[str]) -> ModelCard:
    """A whole model card, its generated section between BEGIN and END.

    Args:
        repo: "user/repo".
        config: the network's constructor arguments.
        provenance: of the checkpoint.
        files: names of what lies beside the card.

    Raises:
        MiniXceptionError: a metric is no number, or not of the checkpoint's labels.
    """
    from huggingface_hub import ModelCard, ModelCardData

    metrics = config.get("metrics") or {}
    _check(metrics, config["labels"])
    dataset = DATASETS.get(metrics.get("dataset", ""))
    results = _eval_results(metrics)
    data = ModelCardData(
        library_name="mini_xception",
        pipeline_tag="image-classification",
        license="mit",
        tags=["facial-expression-recognition", "pytorch"],
        datasets=[dataset] if dataset else None,
        metrics=[result.metric_type for result in results] or None,
        model_name=repo.split("/")[-1] if results else None,
        eval_results=results or None,
    )
    return ModelCard.from_template(
        data,
        template_str=TEMPLATE,
        repo=repo,
        config=config,
        labels=config["labels"],
        metrics=metrics,
        scores={SCORES[name][1]: metrics[name] for name in SCORES if name in metrics},
        pictures={file: caption for file, caption in PICTURES.items() if file in files},
        provenance=provenance,
        files=files,
    )


def _check(metrics: dict[str, Any], labels: Collection[str]) -> None:
    for name in SCORES:
        if not isinstance(metrics.get(name, 0.0), float | int):
            raise MiniXceptionError(f"metrics: {name} is {metrics[name]!r}, it must be a fraction of 1")
    for name in ("recall", "precision"):
        if set(metrics.get(name, labels)) != set(labels):
            raise MiniXceptionError(f"metrics: {name} must have a number for each of {', '.join(labels)}")


def renew_card(existing: str, local: str, card: ModelCard) -> str:
    """The README of a repository, of which others may have written much.

    In one that has text, only the section between the marks, the results and what the front matter lacks are renewed;
    without the marks, nothing is. A repository without one gets the local text, if there is any, and the section.

    Args:
        existing: the repository's README, or "".
        local: the checkpoint folder's README, or "".
        card: from :func:`write_card`.

    Raises:
        MiniXceptionError: the front matter is no YAML.
    """
    from huggingface_hub.utils import yaml_dump

    (section,) = SECTION.findall(card.text)
    if _parse(existing)[1].strip():
        if not SECTION.search(existing):
            return existing
        source = existing
    elif local.strip():
        source = local if SECTION.search(local) else f"{local.rstrip()}\n\n{section}\n"
    else:
        return str(card)
    before, body = _parse(source)
    renewed = SECTION.sub(lambda _: section, body)
    kept = {key: value for key, value in before.items() if key != "model-index"}
    data = {**card.data.to_dict(), **kept}
    return source.removesuffix(body) + renewed if data == before else f"---\n{yaml_dump(data)}---\n{renewed}"


def _parse(readme: str) -> tuple[dict[str, Any], str]:
    """Front matter and body."""
    from huggingface_hub import ModelCard

    try:
        parsed = ModelCard(readme if readme.startswith("---") else f"---\n\n---\n{readme}", ignore_metadata_errors=True)
    except Exception as error:  # The YAML reader's own.
        raise MiniXceptionError("README.md: its front matter is no YAML; mend it first") from error
    return parsed.data.to_dict(), parsed.text


def results_file(metrics: dict[str, Any] | None) -> bytes | None:
    """RESULTS, the Hub's form of evaluation results, or None for a data set that it does not have."""
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml
    from huggingface_hub.utils import yaml_dump

    if not metrics or metrics.get("dataset") not in DATASETS or "accuracy" not in metrics:
        return None
    entry = EvalResultEntry(
        dataset_id=DATASETS[metrics["dataset"]],
        task_id=str(metrics.get("split", "default")),
        value=round(100 * metrics["accuracy"], 2),
        notes="accuracy in %, one forward pass in float32",
    )
    return yaml_dump(eval_result_entries_to_yaml([entry])).encode()


def _eval_results(metrics: dict[str, Any]) -> list[EvalResult]:
    from huggingface_hub import EvalResult

    dataset = str(metrics.get("dataset", ""))
    return [
        EvalResult(
            task_type="image-classification",
            dataset_type=DATASETS.get(dataset, dataset),
            dataset_name=dataset,
            dataset_split=metrics.get("split"),
            metric_type=kind,
            metric_name=title,
            metric_value=round(metrics[name], 4),
        )
        for name, (kind, title) in SCORES.items()
        if dataset and name in metrics
    ]
