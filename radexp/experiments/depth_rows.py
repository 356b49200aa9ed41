"""The rows of the study of variance against depth, for one seed."""

from __future__ import annotations

from itertools import chain

import pandas as pd

from radexp.config import TrainConfig
from radexp.experiments.depth_graphs import graph_rows
from radexp.experiments.depth_networks import network_rows

GRAPH_WIDTH, GRAPH_FRACTIONS = 32, (0.25, 0.5, 0.75)
NETWORK_WIDTH, NETWORK_FRACTIONS = 256, (0.1, 0.3, 0.5)


def depth_rows(config: TrainConfig) -> pd.DataFrame:
    """Measure the variance of sampled graphs and of sketched networks at every depth.

    Args:
        config: Its ``measure`` says how deep and how often; its seed is that of the rows.

    Returns:
        The rows of depth.csv.
    """
    measure, seeds = config.measure, [config.seed]
    assert measure is not None
    depths = range(1, measure.depth + 1)
    graphs = graph_rows(GRAPH_WIDTH, depths, GRAPH_FRACTIONS, seeds, measure.graph_draws)
    draws = measure.repetitions
    networks = network_rows(NETWORK_WIDTH, depths, NETWORK_FRACTIONS, seeds, draws)
    # Decides no claim: it shows how far the derivation's independent losses matter.
    common = network_rows(NETWORK_WIDTH, depths, NETWORK_FRACTIONS, seeds, draws, common_loss=True)
    return pd.DataFrame(chain(graphs, networks, common))
