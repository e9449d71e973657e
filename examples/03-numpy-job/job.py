# SPDX-License-Identifier: Apache-2.0
import json
import sys

import fitting


def main() -> int:
    x, y = fitting.samples(400)
    result = {"coefficients": fitting.fit(x, y), "eigenvalues": fitting.spectrum(32)}
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
