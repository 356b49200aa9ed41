"""All paths of a graph as a table."""

from __future__ import annotations

import pandas as pd

from radexp.graph.lcg import Graph
from radexp.graph.paths import MAX_PATHS, count_paths, paths


def path_table(graph: Graph) -> pd.DataFrame:
    """Return every path with its input and the product of its local derivatives.

    Args:
        graph: Traced or sampled.

    Returns:
        Columns ``input``, ``path`` (names of vertices) and ``product``; no rows if there are more
        than MAX_PATHS.

    Example:
        >>> from radexp.graph import trace
        >>> path_table(trace(lambda x, y: x * y, [2.0, 3.0])).to_dict("records")[0]
        {'input': 'x', 'path': 'x > v2 *', 'product': 3.0}
    """
    rows = []
    for edges in paths(graph) if count_paths(graph) <= MAX_PATHS else ():
        vertices = [int(graph.sources[edges[0]]) if edges else graph.output]
        vertices += graph.targets[list(edges)].tolist()
        product = float(graph.derivatives[list(edges)].prod())
        path = " > ".join(graph.names[vertex] for vertex in vertices)
        rows.append({"input": graph.names[vertices[0]], "path": path, "product": product})
    return pd.DataFrame(rows, columns=["input", "path", "product"])
