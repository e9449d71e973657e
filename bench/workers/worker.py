# SPDX-License-Identifier: Apache-2.0
"""A worker that has PyTorch, and waits for its end."""

from multiprocessing.connection import Connection

import torch


def serve(pipe: Connection) -> None:
    pipe.send(torch.__version__)
    pipe.recv()
