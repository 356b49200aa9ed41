"""Settings: what may be compared, and how versions of one arm are named."""

import pandas as pd
import pytest
from omegaconf import OmegaConf

from radexp.analysis.settings import PUBLISHED, by_setting
from radexp.catalogue import choices, config_folder
from radexp.config import ModelConfig, describe_sizes


def test_runs_of_different_data_are_different_settings(tables):
    mnist, _ = tables({"rad": [0.1], "exact": [0.1]})
    digits, _ = tables({"rad": [0.1]}, data="digits", iterations=2000)
    found = by_setting(pd.concat([mnist, digits], ignore_index=True))
    assert [(s.data, s.published, len(runs)) for s, runs in found] == [
        ("digits", False, 1),
        ("mnist", True, 2),
    ]
    assert found[0][0].title == "study: mlp 300x300x300 on digits, 2,000 iterations"


def test_runs_of_different_sizes_are_different_settings(tables):
    sizes = ["16-32, kernel 3, average", "16-32, kernel 5, average", "16-32, kernel 5, max"]
    parts = [tables({"rad": [0.1]}, model="cnn", sizes=text)[0] for text in sizes]
    found = by_setting(pd.concat(parts, ignore_index=True))
    assert [setting.sizes for setting, _ in found] == sizes
    assert found[0][0].title == "study: cnn 16-32, kernel 3, average on mnist, 20,000 iterations"


@pytest.mark.parametrize(
    ("model", "data", "iterations"),
    [
        *(("mlp", "mnist", 20_000), ("cnn", "cifar10", 100_000)),
        *(("rnn", "sequential_mnist", 200_000), ("reactor", "none", 800)),
    ],
)
def test_each_network_has_one_published_protocol(tables, model, data, iterations):
    def published(model, data, iterations, sizes=None):
        sizes = PUBLISHED.get(model, ("", 0, "300"))[2] if sizes is None else sizes
        runs, _ = tables({"rad": [0.1]}, model=model, data=data, iterations=iterations, sizes=sizes)
        return by_setting(runs)[0][0].published

    assert published(model, data, iterations)
    assert not published(model, data, iterations - 1)
    assert not any(published(model, data, iterations, sizes) for sizes in ("8", "", "300x300"))
    others = {"mnist", "cifar10", "sequential_mnist", "digits", "none", ""} - {data}
    assert not any(published(model, other, 10**6) for other in others)
    assert not published("new", data, iterations)


@pytest.mark.parametrize("model", PUBLISHED)
def test_published_sizes_are_those_of_the_configurations(model):
    schema = OmegaConf.structured(ModelConfig)
    given = OmegaConf.load(config_folder() / f"model/{model}.yaml")
    sizes = describe_sizes(OmegaConf.to_container(OmegaConf.merge(schema, given)))
    assert sizes == PUBLISHED[model][2]


def test_every_network_of_the_paper_has_published_sizes():
    assert sorted(PUBLISHED) == choices("model")


def test_another_size_is_part_of_the_scale(tables):
    def scale(sizes, **common):
        return by_setting(tables({"rad": [0.1]}, sizes=sizes, **common)[0])[0][0].scale

    assert scale("300x300x300") == "at quick scale: mnist, 20,000 iterations, not the paper's"
    assert scale("8") == "at quick scale: mnist, 8, 20,000 iterations, not the paper's"
    assert scale("8", model="new") == "at quick scale: mnist, 20,000 iterations, not the paper's"


def test_different_tuning_between_arms_leaves_labels_alone(tables):
    runs, _ = tables({"rad": [0.1, 0.2], "exact": [0.1]})
    runs.loc[runs["arm"] == "exact", "lr"] = 0.5
    assert by_setting(runs)[0][1]["label"].tolist() == ["exact", "rad", "rad"]


def test_versions_of_one_arm_are_named_by_what_differs(tables):
    runs, _ = tables({"rad": [0.1, 0.2, 0.3]})
    runs["keep"] = [0.1, 0.25, float("nan")]
    runs["budget"] = ["", "10%", "20%"]
    labels = by_setting(runs)[0][1]["label"].tolist()
    assert labels == ["rad budget=10% keep=0.25", "rad budget=20%", "rad keep=0.1"]
