"""Linearized computational graphs, path sampling on them, and random matrix injection."""

from radexp.graph.accumulate import forward, reverse, reverse_many
from radexp.graph.layered import independent, interleaved
from radexp.graph.lcg import Graph
from radexp.graph.paths import count_paths, path_sum, paths
from radexp.graph.sampling import EdgeSampling, PathSampling, Sampler
from radexp.graph.scalars import Scalar, trace
from radexp.graph.topology import Topology

__all__ = [
    "EdgeSampling",
    "Graph",
    "PathSampling",
    "Sampler",
    "Scalar",
    "Topology",
    "count_paths",
    "forward",
    "independent",
    "interleaved",
    "path_sum",
    "paths",
    "reverse",
    "reverse_many",
    "trace",
]
