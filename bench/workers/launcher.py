# SPDX-License-Identifier: Apache-2.0
"""Spawns workers that import PyTorch, as it does itself, and ends them when all are ready.

launcher.py time    writes the time at which they are, on the monotonic clock, and what its own process took, as parts of the benchmark do
launcher.py wait    says that they are, and keeps them
"""

import multiprocessing
import os
import sys
import time

import worker

WORKERS = 4
TIMES = 9


def main(how: str) -> None:
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(WORKERS)]
    workers = [context.Process(target=worker.serve, args=(theirs,)) for _, theirs in pipes]
    for one in workers:
        one.start()
    for ours, _ in pipes:
        ours.recv()
    if how == "time":
        os.write(TIMES, b"%d %d" % (time.monotonic_ns(), time.process_time_ns()))
    if how == "wait":
        print("ready", flush=True)
        time.sleep(600)
    for ours, _ in pipes:
        ours.send("end")
    for one in workers:
        one.join()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
