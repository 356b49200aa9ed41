"""What is kept instead of a matrix. A file here that defines a Sketch is all a new one needs."""

from importlib import import_module
from pkgutil import iter_modules

from radexp.sketches.base import Kept, Shape, Sketch, num_kept

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

from radexp.sketches.exact import Exact  # noqa: E402
from radexp.sketches.hybrid import Hybrid  # noqa: E402
from radexp.sketches.importance import Importance  # noqa: E402
from radexp.sketches.projection import Projection  # noqa: E402
from radexp.sketches.rounding import Rounding  # noqa: E402
from radexp.sketches.rows import Rows  # noqa: E402
from radexp.sketches.sampling import Sampling  # noqa: E402

__all__ = [
    "Exact",
    "Hybrid",
    "Importance",
    "Kept",
    "Projection",
    "Rounding",
    "Rows",
    "Sampling",
    "Shape",
    "Sketch",
    "num_kept",
]
