#!/usr/bin/env bash
# A run on several nodes that outlives its time limit: sbatch docs/slurm_train.sh CONFIG.toml
# Stopped or requeued, it goes on from its newest checkpoint; a process that dies is replaced up to three times.
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
# Three minutes before the end, to this shell alone (B:), which has to know why the run ended.
#SBATCH --signal=B:TERM@180
set -euo pipefail

config=${1:?usage: sbatch docs/slurm_train.sh CONFIG.toml}
nodes=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
first_node=${nodes%%$'\n'*}  # no pipe into head: that may end scontrol, and with it the job, before it has written all

stopped=
# Slurm passes the signal to every process of the job but this one; train.py ends after a step and a checkpoint.
trap 'stopped=1; scancel --signal=TERM "$SLURM_JOB_ID"' TERM

srun torchrun \
    --nnodes "$SLURM_NNODES" --nproc_per_node "$SLURM_GPUS_ON_NODE" \
    --rdzv-backend c10d --rdzv-id "$SLURM_JOB_ID" \
    --rdzv-endpoint "$first_node:$((20000 + SLURM_JOB_ID % 10000))" \
    --max-restarts 3 \
    train.py --config "$config" --resume &
launcher=$!

status=0
wait "$launcher" || status=$?
# A trapped signal ends `wait`, not the run.
while kill -0 "$launcher" 2>/dev/null; do
    status=0
    wait "$launcher" || status=$?
done
if [ -n "$stopped" ] && [ "$status" -ne 0 ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
