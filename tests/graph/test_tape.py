"""The tape drops what does not matter and keeps edges with their derivatives."""

import pytest

from radexp.errors import UsageError
from radexp.graph.tape import Tape


def test_cutting_keeps_what_leads_to_the_output():
    tape = Tape[str]()
    x, y = tape.add("x", []), tape.add("y", [])
    dead = tape.add("dead", [(x, "d")])
    a = tape.add("a", [(x, "a1"), (x, "a2")])
    tape.add("dead", [(dead, "d")])
    b = tape.add("b", [(a, "b1"), (x, "b2")])
    topology, kept, local = tape.cut(num_inputs=2, output=b)
    assert topology.names == ("x", "y", "v3 a", "v5 b")
    assert kept == [x, y, a, b]
    ends = zip(topology.sources.tolist(), topology.targets.tolist(), local, strict=True)
    assert list(ends) == [(0, 2, "a1"), (0, 2, "a2"), (0, 3, "b2"), (2, 3, "b1")]


def test_an_output_without_inputs_is_refused():
    tape = Tape[float]()
    tape.add("x", [])
    constant = tape.add("constant", [])
    with pytest.raises(UsageError, match="whose result does not depend on its inputs: allowed is"):
        tape.cut(num_inputs=1, output=constant)
