"""kill -9 at random moments and at every change of a file, SIGTERM and SIGINT: nothing is lost."""

import json
import random
import signal
import time

import pytest
from harness import RUNS, rows_of

from radexp.reporting.run_folder import read_run

SWEEP = ("train", "-m", *RUNS["mlp"][1:], "seed=0,1,2")
COMMANDS = {"sweep": SWEEP, "mlp": RUNS["mlp"]}
KILLS = {**dict.fromkeys(RUNS, 6), "mlp": 4, "sweep": 4}


def duration(starter, words, **how):
    """Return how long an undisturbed command takes at the moment."""
    start = time.monotonic()
    assert starter.elsewhere("timed").run(*words, **how).status == 0
    return time.monotonic() - start


def require_the_same(starter, expected):
    """Check that records are whole and their numbers those of undisturbed runs."""
    assert rows_of(starter.cwd) == expected
    for place in expected:
        assert read_run(starter.cwd / place).row["status"] == "completed"
    assert not list(starter.cwd.rglob("*.partial"))


@pytest.mark.parametrize("name", KILLS)
def test_killed_at_random_moments_again_and_again(commands, undisturbed, name):
    words, moments = COMMANDS.get(name) or RUNS[name], random.Random(name)
    how = {"plan": name not in COMMANDS}
    expected, seconds = undisturbed(*words), duration(commands, words, **how)
    place, kills, ends = commands, 0, 0
    while kills < KILLS[name]:
        command = place.start(*words, **how)
        time.sleep(moments.uniform(0, seconds))
        command.kill()
        ended = command.wait()
        assert ended.status in (-signal.SIGKILL, 0)
        assert "damaged" not in ended.err
        kills += ended.status != 0
        if ended.status == 0:  # it was faster: the rest of the kills meet a new one
            require_the_same(place, expected)
            ends += 1
            place = commands.elsewhere(f"again-{ends}")
    ended = place.run(*words, **how)
    assert (ended.status, ended.err) == (0, "")
    require_the_same(place, expected)


@pytest.mark.parametrize("name", ["mlp", "reactor"])
def test_killed_at_every_change_of_a_file(commands, undisturbed, name):
    words = (*RUNS[name], "training.iterations=20")
    assert commands.elsewhere("counted").run(*words, plan=True).status == 0
    calls = (commands.cwd.parent / "counted-said.calls").read_text().split()
    assert calls.count("replace") == 7  # config, environment, 2 and 1 of checkpoints, rows, summary
    expected = undisturbed(*words)
    for number in range(1, len(calls) + 1):
        place = commands.elsewhere(f"killed-{number}")
        assert place.run(*words, plan=True, die_at=number).status == -signal.SIGKILL
        ended = place.run(*words, plan=True)
        assert (ended.status, ended.err) == (0, "")
        require_the_same(place, expected)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_at_random_moments_again_and_again(commands, undisturbed, name, number):
    words, moments, statuses = COMMANDS[name], random.Random(number), []
    expected, seconds = undisturbed(*words), duration(commands, words)
    for _ in range(4):
        command = commands.start(*words)
        time.sleep(moments.uniform(0.1, 1) * seconds)
        command.kill(number)
        ended = command.wait()
        statuses.append(ended.status)
        assert "Traceback" not in ended.err
        if ended.status == 130:
            assert ended.err == "radexp: interrupted; the same command resumes\n"
    assert set(statuses) <= {0, 130}
    ended = commands.run(*words)
    assert (ended.status, ended.err) == (0, "")
    require_the_same(commands, expected)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_says_so_and_has_the_state_it_stopped_in(commands, number):
    words = (*RUNS["mlp"], "training.iterations=100000", "training.checkpoint_every=100000")
    command = commands.start(*words)
    command.until(lambda: any("\n40," in p.read_text() for p in commands.cwd.rglob("metrics.csv")))
    command.kill(number)
    assert command.wait().status == 130
    (folder,) = commands.cwd.glob("outputs/train/*")
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["status"] == "interrupted"
    command = commands.start(*words)
    command.until(lambda: "resumed at iteration" in (folder / "run.log").read_text())
    command.kill()
    command.wait()
    assert (
        f"resumed at iteration {summary['iterations_done']}\n" in (folder / "run.log").read_text()
    )
