"""Linearized computational graphs, path sampling on them, and random matrix injection."""

from radexp.graph.accumulate import forward, reverse, reverse_many
from radexp.graph.injection import inject
from radexp.graph.layered import independent, interleaved
from radexp.graph.lcg import Graph
from radexp.graph.paths import count_paths, path_sum, paths
from radexp.graph.sampling import EdgeSampling, PathSampling, Sampler
from radexp.graph.scalars import Scalar, trace
from radexp.graph.topology import Topology
from radexp.graph.vector_accumulate import (
    forward_jacobians,
    path_sum_jacobians,
    reverse_jacobians,
    sample_jacobians,
)
from radexp.graph.vectors import VectorGraph, trace_tensors

__all__ = [
    "EdgeSampling",
    "Graph",
    "PathSampling",
    "Sampler",
    "Scalar",
    "Topology",
    "VectorGraph",
    "count_paths",
    "forward",
    "forward_jacobians",
    "independent",
    "inject",
    "interleaved",
    "path_sum",
    "path_sum_jacobians",
    "paths",
    "reverse",
    "reverse_jacobians",
    "reverse_many",
    "sample_jacobians",
    "trace",
    "trace_tensors",
]
