# Everything a newcomer needs: each target sets up what it uses, given Python >= 3.10 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PRESET ?= quick
EXPERIMENT ?= mnist_mlp
WORDS ?=

.PHONY: help setup slurm reproduce test fuzz lint bench bench-sparse evidence memory-table scaling reactor reactor-gradients variance-depth noise-directions frontier results-report clean

help:
	@echo "make setup                     create $(VENV) with radexp, editable, and its locked dependencies"
	@echo "make slurm                     as root on Debian: install Slurm, so that its tests do not skip"
	@echo "make reproduce [PRESET=quick]  run the experiments (smoke, quick, reduced or paper), then the report"
	@echo "make test                      lint, types and the whole test suite"
	@echo "make fuzz                      fuzz inputs with other cases than the suite's, a hundred times as many"
	@echo "make bench                     step times against stock PyTorch, interleaved in one process"
	@echo "make bench-sparse              a convolution's weight gradient from few positions or from all"
	@echo "make evidence EXPERIMENT=mnist_mlp PRESET=paper"
	@echo "                               write results/mnist_mlp from outputs/mnist_mlp-paper"
	@echo "make memory-table              write results/memory_table: Table 1, measured (2 minutes)"
	@echo "make scaling                   write results/recurrent_scaling (2 minutes)"
	@echo "make reactor                   train the reactor at the paper's scale, write results/reactor (35 to 60 minutes)"
	@echo "make reactor-gradients         write results/reactor/gradients.csv and .png (5 minutes)"
	@echo "make variance-depth            write results/variance_depth: variance against depth (20 minutes)"
	@echo "make noise-directions          write results/gradient_noise/directions (MNIST; 7 minutes)"
	@echo "make frontier                  write results/frontier (MNIST, CIFAR-10; two hours)"
	@echo "make results-report            write results/report and results/README.md from results/ alone"

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[dev,cluster]'
	@touch $@

slurm:
	apt-get install -y --no-install-recommends slurm-wlm munge

reproduce: setup
	$(BIN)/radexp reproduce preset=$(PRESET) $(WORDS)

# One thread for each of pytest's processes: more would wait for one another on the same cores. One
# process more than there are cores, as some tests wait, for Slurm or for what they killed. Few tests
# are handed out at a time, so that none has many slow ones to itself.
PROCESSES := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(PROCESSES) --maxschedchunk 4

fuzz: setup
	RADEXP_FUZZ=10 OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/fuzz -n auto --timeout=0

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python scripts/bench_step.py
	$(BIN)/python scripts/bench_loop.py
	$(BIN)/python scripts/bench_reactor.py

bench-sparse: setup
	$(BIN)/python scripts/bench_sparse.py

evidence: setup
	$(BIN)/python scripts/collect_evidence.py outputs/$(EXPERIMENT)-$(PRESET) results/$(EXPERIMENT) \
		--command 'radexp reproduce experiment=$(EXPERIMENT) preset=$(PRESET)'

memory-table: setup
	$(BIN)/radexp memory output=results/memory_table

scaling: setup
	$(BIN)/python scripts/scale_rnn.py results/recurrent_scaling --repeats 9

reactor: setup
	$(BIN)/radexp train -m experiment=reactor preset=paper hydra/launcher=joblib
	$(BIN)/radexp train -m experiment=reactor_checkpoint preset=paper hydra/launcher=joblib
	$(BIN)/radexp train -m experiment=reactor_shared preset=paper hydra/launcher=joblib
	$(BIN)/python scripts/collect_evidence.py outputs/reactor-paper results/reactor \
		--command 'make reactor'

reactor-gradients: setup
	$(BIN)/python scripts/study_reactor_gradients.py results/reactor

variance-depth: setup
	$(BIN)/python scripts/variance_depth.py results/variance_depth

noise-directions: setup
	$(BIN)/python scripts/study_noise_directions.py results/gradient_noise/directions

FRONTIER := $(BIN)/radexp train -m preset=reduced
FIVE := model=mlp seed=0,1,2,3,4 hydra/launcher=joblib
TWO := model=rnn,cnn seed=0

frontier: setup
	$(FRONTIER) experiment=frontier model=mlp measure.repetitions=30
	$(FRONTIER) experiment=frontier model=rnn,cnn
	$(FRONTIER) experiment=frontier_exact $(FIVE)
	$(FRONTIER) experiment=frontier_training $(FIVE) estimator=rounding,importance budget=7.5%,12.5%
	$(FRONTIER) experiment=frontier_training $(FIVE) estimator=importance budget=4%,5%
	$(FRONTIER) experiment=frontier_training $(FIVE) estimator=rad,small_batch budget=12.5%
	$(FRONTIER) experiment=frontier_training $(FIVE) estimator=auto budget=4%,5%,6%,6.5%,7.5%,12.5%
	$(FRONTIER) experiment=frontier_exact $(TWO)
	$(FRONTIER) experiment=frontier_training $(TWO) estimator=auto budget=5%,12.5%
	$(FRONTIER) experiment=frontier_training $(TWO) estimator=rad budget=12.5%
	$(FRONTIER) experiment=frontier_training model=rnn seed=0 estimator=small_batch budget=12.5%
	$(BIN)/python scripts/collect_evidence.py outputs/frontier-reduced results/frontier/noise \
		--command 'make frontier'
	$(BIN)/python scripts/collect_evidence.py outputs/frontier_training-reduced results/frontier/training \
		--command 'make frontier'
	$(BIN)/python scripts/draw_frontier.py results/frontier

results-report: setup
	$(BIN)/python scripts/report_results.py results

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
