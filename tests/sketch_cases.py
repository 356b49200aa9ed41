"""Every sketch of the registry, with every kind of settings."""

from itertools import product

from radexp.config import EstimatorConfig
from radexp.sketches import Sketch

FREE_OF = {"exact": None, "rounding": "bits"}  # of every other sketch it is keep
ALSO = {"hybrid": {"also": "bits", "bits": 2}}


def build_sketches(**values):
    """Build each sketch with each value of its free number; return them by their ``repr``."""
    built = {}
    for name, shared, replacement in product(sorted(Sketch.registry), *[(False, True)] * 2):
        free = FREE_OF.get(name, "keep")
        for settings in [{free: value} for value in values[free]] if free else [{}]:
            settings |= {"free": free, "shared": shared, "replacement": replacement}
            settings |= ALSO.get(name, {})
            sketch = Sketch.registry[name].from_config(EstimatorConfig("rad", name, **settings))
            built[repr(sketch)] = sketch
    return built
