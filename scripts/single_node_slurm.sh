#!/usr/bin/env bash
# A Slurm of this one machine, for tests: no systemd, no accounting, nothing outside FOLDER.
#
#   scripts/single_node_slurm.sh start FOLDER   # as root; does nothing if it runs already
#   export SLURM_CONF=FOLDER/slurm.conf         # sinfo, sbatch, squeue, ... find it by this
#   scripts/single_node_slurm.sh stop FOLDER
#
# It needs Debian's packages slurm-wlm and munge, or their like. The port is PORT (default 16817)
# for slurmctld and the next for slurmd.
set -euo pipefail
PATH="$PATH:/usr/sbin:/sbin"
SECONDS_TO_WAIT=30

usage() {
  sed -n 's/^# \{0,1\}//; 2,10p' "$0" >&2
  exit 2
}

complain() {
  echo "single_node_slurm.sh: $1" >&2
  exit 1
}

is_running() {
  [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null
}

wait_until() {
  local deadline=$((SECONDS + SECONDS_TO_WAIT))
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || complain "waited in vain for: $*; see the logs in $folder"
    sleep 0.1
  done
}

# MUNGE authenticates; a socket and a key of its own leave a machine's munged alone.
start_munged() {
  is_running "$folder/munged.pid" && return
  [ -s "$folder/munge.key" ] || (umask 077 && head -c 128 /dev/urandom >"$folder/munge.key")
  munged --force --socket="$folder/munge.socket" --key-file="$folder/munge.key" \
    --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" \
    --seed-file="$folder/munge.seed" 2>>"$folder/munged.log"
  wait_until munge --no-input --socket="$folder/munge.socket"
}

# A requeued job waits for cred_expire seconds, and a job told to end is killed after KillWait.
write_configuration() {
  cat >"$folder/slurm.conf" <<CONF
ClusterName=single
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=0,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobRequeue=1
KillWait=10
ReturnToService=2
MpiDefault=none
$(slurmd -C | grep '^NodeName=') NodeAddr=127.0.0.1 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
}

node_is_up() {
  [ "$(sinfo --noheader --format=%t 2>/dev/null)" != "" ] && sinfo --noheader --format=%t | grep -qE '^(idle|mix|alloc)$'
}

start() {
  [ "$(id -u)" = 0 ] || complain "only root can start munged, slurmctld and slurmd"
  for program in munged slurmctld slurmd sbatch; do
    command -v "$program" >/dev/null || complain "$program is missing: install slurm-wlm and munge"
  done
  mkdir -p "$folder/state" "$folder/spool"
  start_munged
  [ -s "$folder/slurm.conf" ] || write_configuration
  is_running "$folder/slurmctld.pid" || slurmctld -f "$SLURM_CONF"
  is_running "$folder/slurmd.pid" || slurmd -f "$SLURM_CONF"
  wait_until node_is_up
}

stop() {
  for name in slurmd slurmctld munged; do
    is_running "$folder/$name.pid" || continue
    number="$(cat "$folder/$name.pid")"
    kill "$number"
    wait_until eval "! kill -0 $number"
  done
}

[ "$#" = 2 ] || usage
folder="$(realpath -m "$2")"
port="${PORT:-16817}"
export SLURM_CONF="$folder/slurm.conf"
case "$1" in
  start) start ;;
  stop) stop ;;
  *) usage ;;
esac
