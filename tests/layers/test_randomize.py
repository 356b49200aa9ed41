"""The bridge: what it converts, what it leaves alone, and that it can be undone."""

import copy
import io
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import radexp
from layers.randomize_cases import each_random, gradients, linears
from radexp.config import CLASSIFICATION, options_for
from radexp.errors import UsageError
from radexp.layers import Estimator, randomize, seed_streams
from radexp.layers.linear import SketchedLinear
from radexp.sketches import Exact, Projection, Sampling

each_estimator = pytest.mark.parametrize("name", options_for("estimator", CLASSIFICATION))


class Subclass(nn.Linear):
    pass


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(13, 9), Subclass(9, 9)

    def forward(self, x):
        return self.second(F.relu(self.first(x)))


NETS = {
    "mlp": lambda: nn.Sequential(nn.Flatten(), linears(nn.ReLU()), nn.ReLU()),
    "dropout": lambda: linears(nn.ReLU(), nn.Dropout(0.5)),
    "functional": Functional,
    "linear": lambda: nn.Linear(13, 9),
    "no bias": lambda: nn.Linear(13, 9, bias=False),
    "tied": lambda: nn.Sequential(linears(), *[nn.Linear(9, 9)] * 2),
    "encoder": lambda: nn.TransformerEncoderLayer(13, 1, 9, dropout=0.0),
    "nothing": lambda: nn.Sequential(nn.Flatten(), nn.Identity()),
}
each_net = pytest.mark.parametrize("build", NETS.values(), ids=NETS)


def types(model):
    return {name: type(module) for name, module in model.named_modules()}


@each_net
@each_estimator
def test_identity_parameters_state_and_values_are_kept(build, name):
    model, x = build(), torch.rand(4, 13)
    modules, parameters = list(model.modules()), dict(model.named_parameters())
    state, values = model.state_dict(), model.eval()(x)
    assert randomize(model, name).model is model
    assert all(a is b for a, b in zip(model.modules(), modules, strict=True))
    assert all(parameters[key] is value for key, value in model.named_parameters())
    assert list(state) == list(model.state_dict())
    assert torch.equal(model(x), values)


@each_net
@each_estimator
def test_exact_brings_stock_pytorch_back(build, name):
    model, stock = build(), build()
    randomize(model, name)
    assert randomize(model, "exact").converted == ()
    assert types(model) == types(stock)
    assert [m.__dict__.keys() for m in model.modules()] == [
        m.__dict__.keys() for m in stock.modules()
    ]


NAMES = {
    "mlp": (("1.0", "1.1", "1.2", "2"), ()),
    "dropout": (("0", "1", "2", "3"), ()),
    "functional": (("first",), ("second",)),
    "linear": (("",), ()),
    "tied": (("0.0", "0.1", "1"), ()),
    "nothing": ((), ()),
}


@pytest.mark.parametrize(("net", "names"), NAMES.items(), ids=NAMES)
@each_random
def test_names_of_the_converted_and_the_left_alone(net, names, name):
    result = randomize(NETS[net](), name)
    assert (result.converted, result.left_alone) == names
    assert repr(result) == f"Randomized(converted={names[0]}, left_alone={names[1]})"


def test_what_is_left_alone_under_exact_is_everything():
    result = randomize(NETS["dropout"](), "exact")
    assert (result.converted, result.left_alone) == ((), ("0", "1", "2", "3"))


def test_an_empty_shortcut_keeps_nothing_and_is_not_left_alone():
    model = nn.Sequential(nn.Linear(9, 9), nn.Sequential())
    assert randomize(model, "rad").left_alone == ()


def test_subclasses_and_functions_are_left_alone():
    model = randomize(Functional(), "rad").model
    assert (type(model.first), type(model.second)) == (SketchedLinear, Subclass)


@each_random
def test_gradients_of_converted_layers_change_and_others_do_not(name):
    model, stock = Functional(), Functional()
    stock.load_state_dict(model.state_dict())
    randomize(model, name)
    same = list(map(torch.equal, gradients(model), gradients(stock)))
    assert same == [False, True, True, True]


def test_randomizing_again_replaces_the_estimator():
    model = linears(nn.ReLU())
    for name, sketch in (("rad", Sampling), ("rad_project", Projection), ("rad_shared", Sampling)):
        result = randomize(model, name, keep=0.3, seed=1)
        assert result.converted == ("0", "1", "2")
        assert isinstance(model[0].sketch, sketch)
        assert (model[0].sketch.keep, model[0].seeds.run_seed, model[0].seeds.calls) == (0.3, 1, 0)
        model(torch.rand(4, 13))


def test_an_estimator_object_serves_as_well_as_its_name():
    by_name = gradients(randomize(linears(), "rad", keep=0.3).model)
    by_object = gradients(randomize(linears(), Estimator(Sampling(0.3))).model)
    assert all(map(torch.equal, by_name, by_object))


def test_seeds_tell_runs_and_layers_apart():
    model = nn.Sequential(nn.Linear(9, 9), nn.Linear(9, 9))
    seeds = [
        s.next()
        for r in (0, 1)
        for s in seed_streams(randomize(model, "rad", seed=r).model).values()
    ]
    assert len(set(seeds)) == 4


def test_the_same_seed_gives_the_same_gradients():
    first, again, other = (gradients(randomize(linears(), "rad", seed=s).model) for s in (0, 0, 1))
    assert all(map(torch.equal, first, again))
    assert not torch.equal(first[0], other[0])


REFUSED = [
    ("rda", {}, "estimator 'rda': allowed is accumulate, auto, checkpoint, .*; pick one of them"),
    (
        "rad",
        {"kepe": 0.1},
        "estimator setting kepe: allowed is name, sketch, .*; mind the spelling",
    ),
    ("rad", {"keep": 2}, "estimator.keep=2.0: allowed is 0 < keep <= 1; try"),
    (
        Estimator(Exact()),
        {"keep": 0.1},
        "settings keep beside an Estimator object: allowed is none",
    ),
    (
        Estimator(Exact()),
        {"b": 1, "a": 1},
        "settings a, b beside .*; set them on the Estimator, or",
    ),
]


@pytest.mark.parametrize(("estimator", "settings", "message"), REFUSED, ids=str)
def test_bad_requests_are_refused_and_change_nothing(estimator, settings, message):
    model = randomize(linears(nn.ReLU()), "rad").model
    before = types(model)
    with pytest.raises(UsageError, match=message):
        randomize(model, estimator, **settings)
    assert types(model) == before


@each_random
def test_a_copy_goes_on_by_itself_and_like_the_original(name):
    model = randomize(linears(nn.ReLU()), name).model
    gradients(model)
    twin = copy.deepcopy(model)
    ours = gradients(model)
    assert [stream.calls for stream in seed_streams(twin).values()] == [1, 1]
    assert all(map(torch.equal, ours, gradients(twin)))


@each_estimator
@pytest.mark.parametrize("through", ["pickle", "torch.save"])
def test_a_randomized_model_can_be_stored(name, through):
    model, file = randomize(linears(nn.ReLU(), nn.Dropout(0.0)), name).model, io.BytesIO()
    if through == "pickle":
        read = pickle.loads(pickle.dumps(model))
    else:
        torch.save(model, file)
        file.seek(0)
        read = torch.load(file, weights_only=False)
    assert types(read) == types(model)
    assert all(map(torch.equal, gradients(read), gradients(model)))


@each_estimator
def test_states_travel_between_stock_and_randomized_models(name):
    model, stock = linears(nn.ReLU()), linears(nn.ReLU())
    stock.load_state_dict(randomize(model, name).model.state_dict())
    model.load_state_dict(stock.state_dict())
    assert torch.equal(model(torch.ones(1, 13)), stock(torch.ones(1, 13)))


def test_hooks_still_run():
    model, calls = linears(nn.ReLU()), []
    model[0].register_forward_hook(lambda *_: calls.append("forward"))
    model[0].register_full_backward_hook(lambda *_: calls.append("backward"))
    randomize(model, "rad").model(torch.rand(4, 13, requires_grad=True)).sum().backward()
    assert calls == ["forward", "backward"]


def test_the_public_names_are_these():
    assert radexp.randomize is randomize
    assert set(radexp.__all__) == {"Estimator", "Randomized", "__version__", "randomize"}
    with pytest.raises(AttributeError, match="module 'radexp' has no attribute 'nope'"):
        _ = radexp.nope
