"""Model cards: the README.md and the evaluation results of a Hub repository, generated from the checkpoint."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from mini_xception.checkpoint.scores import SCORES, check_metrics, class_table, escape_label, score_table
from mini_xception.errors import MiniXceptionError

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, ModelCard

#: The project's address, the same as ``Source`` in pyproject.toml.
REPOSITORY = "https://github.com/mini-xception/mini_xception"
#: Marks around the section that every push rewrites.
BEGIN = "<!-- mini-xception: begin; every push rewrites the text up to the end mark -->"
END = "<!-- mini-xception: end -->"
SECTION = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)

#: name of a data set in ``metrics`` → its repository on the Hub. This copy of FER2013 has all three splits.
DATASETS = {"FER2013": "Aaryan333/fer2013_train_publicTest_privateTest"}
#: Path of the evaluation results in the repository. The file has the Hub's own format.
RESULTS = ".eval_results/fer2013.yaml"
#: file → caption.
PLOTS = {
    "confusion_matrix.png": "Confusion matrix; rows are the true labels",
    "curves.png": "Loss and accuracy over the epochs",
}

TEMPLATE = (
    """---
{{ card_data }}
---

# {{ repo_id.split("/")[-1] }}

"""
    + BEGIN
    + """
A [mini_Xception]({{ repository }}) network ([Arriaga et al. 2017](https://arxiv.org/abs/1710.07557)). It classifies
a face into {{ labels | length }} classes: {{ labels | join(", ") }}. Its input is one grey face crop of
{{ config.image_size }}×{{ config.image_size }} pixels.

## Use

```bash
pip install 'mini-xception @ git+{{ repository }}'
mini-xception predict photo.jpg --checkpoint {{ repo_id }}
```

```python
from mini_xception import EmotionRecognizer

recognizer = EmotionRecognizer.from_pretrained("{{ repo_id }}")
for face in recognizer("photo.jpg"):
    print(face.box, face.emotion, face.probabilities)
```

`MiniXception.from_pretrained("{{ repo_id }}")` loads only the network. Its method `preprocess` converts uint8 face
crops to network input.{% if "model.onnx" in files %} `model.onnx` is the same network for ONNX Runtime.{% endif %}
{% if scores %}
## Results

{{ [metrics.dataset, metrics.split, (metrics.n ~ " images") if metrics.n, "one forward pass in float32"]
| select | join(", ") }}.
{%- if metrics.split == "PublicTest" %} PublicTest is the validation set: the weights were chosen on it, so scores on it
are slightly optimistic.{% elif metrics.split == "validation" %} The weights were chosen on the validation set, so
scores on it are slightly optimistic.{% endif %}

{% for row in scores -%}
| {{ row | join(" | ") }} |
{% if loop.first %}|{{ " --- |" * row | length }}
{% endif %}{% endfor %}{% endif %}{% if classes %}
{% for row in classes -%}
| {{ row | join(" | ") }} |
{% if loop.first %}| --- |{{ " ---: |" * (row | length - 1) }}
{% endif %}{% endfor %}{% endif %}{% if metrics.intervals %}
The ranges are 95 % intervals.
{% endif %}{% if "–" in classes | sum(start=[]) %}
A dash means: not defined, because there are no images or no predictions.
{% endif %}{% for file, caption in plots.items() %}
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

An expression is not a feeling. The model classifies what a face shows, using the labels that it was trained on. It
says nothing about what a person feels, thinks or intends. Do not use it to make decisions about people. In the EU,
inferring emotions at work and in schools is prohibited (AI Act, article 5). Accuracy was not measured separately by
age, gender, skin colour or culture. Expect it to differ between groups.
"""
    + END
    + "\n"
)


def write_card(
    repo_id: str, config: dict[str, Any], provenance: dict[str, str], files: Collection[str] = ()
) -> ModelCard:
    """Generate a complete model card. BEGIN and END mark the section that later pushes replace.

    Args:
        repo_id: "user/repo".
        config: the network's constructor arguments.
        provenance: the checkpoint's provenance.
        files: names of the files that are published with the card.

    Raises:
        MiniXceptionError: a metric is not a number, or the metrics do not match the checkpoint's labels.
    """
    from huggingface_hub import ModelCard, ModelCardData

    metrics = config.get("metrics") or {}
    check_metrics(metrics, config["labels"])
    name = str(metrics.get("dataset", ""))
    dataset = name if re.fullmatch(r"[\w.-]+/[\w.-]+", name) else DATASETS.get(name)
    results = _eval_results(metrics)
    data = ModelCardData(
        library_name="mini_xception",
        pipeline_tag="image-classification",
        license="mit",
        tags=["facial-expression-recognition", "pytorch"],
        datasets=[dataset] if dataset else None,
        metrics=[result.metric_type for result in results] or None,
        model_name=repo_id.split("/")[-1] if results else None,
        eval_results=results or None,
    )
    return ModelCard.from_template(
        data,
        template_str=TEMPLATE,
        repository=REPOSITORY,
        repo_id=repo_id,
        config=config,
        labels=[escape_label(label) for label in config["labels"]],
        metrics=metrics,
        scores=score_table(metrics),
        classes=class_table(metrics, config["labels"]),
        plots={file: caption for file, caption in PLOTS.items() if file in files},
        provenance=provenance,
        files=files,
    )


def renew_card(existing: str, local: str, card: ModelCard) -> str:
    """Merge a new model card into a repository's README, which others may have edited.

    - If the README has text and marks, the results and the section between the marks are replaced, and missing entries
      are added to the front matter.
    - If the README has text but no marks, it is left unchanged.
    - If the README has no text, the result is the checkpoint folder's README with the section added or replaced. If
      the folder has no README, the result is the whole card.

    Args:
        existing: the repository's README, or "".
        local: the checkpoint folder's README, or "".
        card: the result of :func:`write_card`.

    Returns:
        The new README.

    Raises:
        MiniXceptionError: the front matter is not valid YAML.
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
    """Split a README into its front matter and its body."""
    from huggingface_hub import ModelCard

    try:
        parsed = ModelCard(readme if readme.startswith("---") else f"---\n\n---\n{readme}", ignore_metadata_errors=True)
    except Exception as error:  # The YAML parser raises its own exceptions.
        raise MiniXceptionError("README.md: the front matter is not valid YAML; correct it first") from error
    return parsed.data.to_dict(), parsed.text


def results_file(metrics: dict[str, Any] | None) -> bytes | None:
    """Return the contents of the file RESULTS.

    Return None if the metrics have no accuracy, or do not name a data set in DATASETS.
    """
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
    """Return the results for the front matter. If the metrics do not name a data set, the list is empty."""
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
