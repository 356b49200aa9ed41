"""Forks processes that run command lines of radexp, with faults; the imports are paid for once.

Reads one JSON object a line: ``words``, ``cwd``, ``log`` (prefix of the files for what is said) and
the faults of ``prepare``. Answers with the process number, then with its exit status.
"""

import faulthandler
import functools
import json
import os
import resource
import signal
import sys
import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from radexp.cli import main
from radexp.commands import train
from radexp.commands.composing import compose_jobs
from radexp.data import mnist
from radexp.experiments import execute, make_job

CALLS = ("replace", "fsync", "unlink")


@functools.cache
def plan_of(words):
    """Return the plan of a run, checked once for all."""
    return make_job(compose_jobs(list(words[1:]), multirun=False)[0])


def execute_plan(words):
    """Do what the command does of a run, and leave out Hydra, which takes most of the time."""
    plan = plan_of(words)
    summary = execute(replace(plan, config=replace(plan.config, output="outputs")))
    return 0 if summary["status"] == "completed" else 1


def die_at(number, log):
    """Kill this process at the beginning of a call that changes files; tell at the end which."""
    made = []

    def counted(name, call):
        def wrapper(*arguments, **settings):
            made.append(name)
            if len(made) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **settings)

        return wrapper

    for name in CALLS:
        setattr(os, name, counted(name, getattr(os, name)))
    return lambda: Path(f"{log}.calls").write_text(" ".join(made))


def set_clock_back():
    """Let the time of day run backwards, by a minute each time it is asked."""
    start, asked = time.time(), iter(range(10**9))
    time.time = lambda: start - 60.0 * next(asked)
    time.time_ns = lambda: int(time.time() * 1e9)


def prepare(request):
    """Set up the faults of a request; return what to call at the end."""
    if request.get("limit_bytes"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["limit_bytes"],) * 2)
    if request.get("clock"):
        set_clock_back()
    if request.get("contents"):  # other published files of MNIST
        mnist.CONTENTS = request["contents"]
    return die_at(request.get("die_at"), request["log"])


def run(request):
    """Be the command: a process in a group of its own, in its folder, with its own files."""
    os.setsid()
    os.chdir(request["cwd"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, name in ((1, "out"), (2, "err")):
        file = os.open(f"{request['log']}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
    faulthandler.register(signal.SIGUSR1)  # says where it is
    # By default a semaphore that all processes share: one that is killed would keep it from others.
    tqdm.set_lock(threading.RLock())
    end = prepare(request)
    try:
        words = tuple(request["words"])
        status = execute_plan(words) if request.get("plan") else main(words)
    except SystemExit as error:
        status = error.code
    except BaseException:
        traceback.print_exc()
        status = 99
    end()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(status or 0))


def serve():
    """Answer requests until the other side is gone."""
    for line in sys.stdin:
        request = json.loads(line)
        if request.get("plan"):
            plan_of(tuple(request["words"]))
        process = os.fork()
        if process == 0:
            run(request)
        print(process, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


if __name__ == "__main__":
    # Curves are no part of a record, and take most of the time.
    train.draw_curves = lambda runs, folder: []
    for words in json.loads(sys.argv[1]):  # loads data and compiled loops, once for all
        if main(words) != 0:
            sys.exit(f"{words} did not complete")
    print("ready", flush=True)
    serve()
