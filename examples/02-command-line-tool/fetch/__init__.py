# SPDX-License-Identifier: Apache-2.0
"""Fetches a URL and shows the answer for reading."""

__version__ = "1.0"
