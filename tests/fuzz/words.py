"""Words that follow ``radexp``: right ones, wrong ones, and hostile ones."""

from __future__ import annotations

import dataclasses
from typing import get_args, get_type_hints

from hypothesis import strategies as st

from radexp.catalogue import choices
from radexp.config import TrainConfig

GROUPS = ("model", "data", "estimator", "optimizer", "measure", "experiment", "preset")


def keys_of(schema: type, prefix: str = "") -> list[str]:
    """Return every dotted key of a schema, those of nested ones included."""
    keys = []
    for name, kind in get_type_hints(schema).items():
        nested = [part for part in (kind, *get_args(kind)) if dataclasses.is_dataclass(part)]
        keys += keys_of(nested[0], f"{prefix}{name}.") if nested else [prefix + name]
    return keys


KEYS = keys_of(TrainConfig)
HOSTILE = (
    *("0", "1", "-1", "2", "0.5", "1e-300", "1e308", "1e400", "-0", "nan", "inf", "-inf", "+.inf"),
    *("null", "Null", "~", "true", "off", "0x10", "0b1", "1_000", "1e3", "10**12", "9" * 19),
    *("9" * 400, "-" + "9" * 400, "1" + "0" * 12, str(2**31), str(2**63), str(2**63 - 1)),
    *(
        "",
        " ",
        "''",
        '""',
        "'",
        '"',
        "\\",
        "a\\,b",
        "a b",
        "x" * 300,
        "x" * 5000,
        "é",
        "日本",
        "\U0001f600",
    ),
    *("a\nb", "a\r\nb", "\t", "a\0b", "\x1b[31mred", "\x7f", "\u2028", "\ud800", "\u202e"),
    *(
        "[]",
        "[8]",
        "[1,2]",
        "[[1]]",
        "[a]",
        "[1e9]",
        "[1000000000]",
        "[9999999]",
        "[1",
        "]",
        "{",
        "}",
    ),
    *("{}", "{a:1}", "{a:{b:[1]}}", "{1:2}", "[" * 200, "[" * 60 + "]" * 60, "{a:" * 60),
    *(
        "???",
        "${",
        "${}",
        "${seed}",
        "${nope}",
        "${model.hidden}",
        "${output}",
        "${.}",
        "${..seed}",
    ),
    *(
        "${oc.env:HOME}",
        "${oc.env:NOPE}",
        "${oc.decode:'[1]'}",
        "${oc.create:{a:1}}",
        "${drawn:lr}",
    ),
    *(
        "${drawn:nope}",
        "${hydra:runtime.cwd}",
        "${now:%Y}",
        "${eval:1}",
        "${oc.select:x}",
        "$",
        "%s",
    ),
    *(
        "${oc.deprecated:seed}",
        "${oc.dict.keys:model}",
        "${python_version:}",
        "${seed",
        "a${seed}b",
    ),
    *("../../x", "/", "/etc/passwd", "/dev/null", "~/x", "~nobody/x", "C:\\x", "file:///etc", "."),
    *("1,2", "1,1", ",", "1,", ",,", "range(0,3)", "range(3)", "range(0,0)", "range(0,1,0)"),
    *("range(1,0,-1)", "range(0,1,0.3)", "choice()", "choice(1,2)", "choice(a,[1])", "sort(3,1)"),
    *("shuffle(1,2)", "interval(0,1)", "tag(a,1)", "glob(*)", "glob([*],exclude=d*)", "int(1.5)"),
    *("str(1)", "float(x)", "bool(2)", "cast(1)", "json_str({a:1})", "extend_list(1)", "glob()"),
    *("10%", "1.8MB", "1e3MB", "0%", "1B", "99999GB", "1 MB", "-1MB", "%", "1,8MB", "0.1kB"),
    *("auto", "cpu", "cuda", "cuda:0", "tpu", "exact", "sampling", "projection", "keep", "control"),
    *(
        "!!python/object:os.system",
        "&a *a",
        "*a",
        "<script>",
        "a=b",
        "a:b",
        "a@b",
        "#",
        "@",
        ":",
        "=",
    ),
)
VALUE = st.one_of(
    st.sampled_from(HOSTILE),
    st.sampled_from(sorted({name for group in GROUPS for name in choices(group)})),
    st.integers().map(str),
    st.floats().map(repr),
    st.text(max_size=8),
    st.text("0aé.,=[]{}()$%'\"\\ \n:@~+", max_size=8),
    st.lists(st.integers(-2, 2**40), max_size=3).map(lambda sizes: str(sizes).replace(" ", "")),
)
PREFIX = st.sampled_from(["", "", "", "", "", "", "+", "++", "~"])
FLAGS = (
    *(
        "-m",
        "-m",
        "-m",
        "--multirun",
        "--cfg",
        "--cfg=job",
        "-c",
        "--resolve",
        "-p=training",
        "-cn",
    ),
    *("--package=model", "--config-name=x", "--config-dir=.", "--config-path=..", "-cd", "--run"),
    *("--experimental-rerun=x", "--help=", "-x", "--", "-", "---", "--hydra-help=x", "--info=nope"),
    *(
        "--per-layer",
        "--version",
        "-sc",
        "--shell-completion=x",
        "\x00",
        "-m=1",
        "--cfg=job=x",
        "-",
    ),
)
HYDRA = (
    *("hydra.run.dir", "hydra.sweep.dir", "hydra.job.chdir", "hydra.job.name", "hydra.verbose"),
    *("hydra/launcher", "hydra/sweeper", "hydra.launcher.n_jobs", "hydra.mode", "hydra.nope"),
    *("hydra.output_subdir", "hydra.searchpath", "hydra/job_logging", "hydra.sweeper.params"),
    *("hydra.sweeper.params.seed", "hydra.job.env_set", "hydra", "hydra.job.id", "defaults"),
    *("hydra.runtime.output_dir", "hydra/help", "hydra/nope", "hydra.sweeper.max_batch_size"),
)
KEY = st.one_of(
    st.sampled_from(KEYS),
    st.sampled_from(KEYS),
    st.sampled_from(
        [*GROUPS, *HYDRA, "nope", "model.nope", "a.b.c", "tuned.rad.lr", "scales.quick"]
    ),
    st.text(max_size=6),
)
SETTING = st.builds("{}{}={}".format, PREFIX, KEY, VALUE)
# The jobs of most experiments take seconds to plan; those of these do not.
QUICK = {"experiment": ["memory_table", "variance_depth", "reactor_checkpoint"]}
CHOICE = st.sampled_from(GROUPS).flatmap(
    lambda group: st.sampled_from([*QUICK.get(group, choices(group)), "nope", "../x", "null"]).map(
        f"{group}={{}}".format
    )
)
WORD = st.one_of(SETTING, SETTING, SETTING, CHOICE, st.sampled_from(FLAGS), st.text(max_size=8))
