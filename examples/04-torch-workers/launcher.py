# SPDX-License-Identifier: Apache-2.0
"""Starts workers, each with a model of its own, and gives them work: as servers of language models do."""

import json
import multiprocessing
import sys
import time

import worker

WORKERS = 4
REQUESTS = [[0.5, -1.0, 2.0], [1.0, 1.0, 1.0], [-2.0, 0.0, 0.25], [3.0, -0.5, 0.125]]


def main() -> int:
    began = time.monotonic()
    # Each begins as a Python of its own and imports everything again: what has threads cannot be forked.
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(WORKERS)]
    workers = [context.Process(target=worker.serve, args=(number, pipes[number][1])) for number in range(WORKERS)]
    for one in workers:
        one.start()
    for pipe, _ in pipes:
        pipe.recv()
    print(f"{WORKERS} workers ready after {1000 * (time.monotonic() - began):.0f} ms", file=sys.stderr)
    answers = []
    for pipe, _ in pipes:
        pipe.send(REQUESTS)
        answers.append(pipe.recv())
        pipe.send(None)
    for one in workers:
        one.join()
    print(json.dumps({"answers": answers}))
    return max(one.exitcode for one in workers)


if __name__ == "__main__":
    sys.exit(main())
