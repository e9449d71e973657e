# SPDX-License-Identifier: Apache-2.0
# Runs a command and says what it and all that it started have used: seconds of processors and of the wall, and the
# peak memory of the largest of them in bytes, as JSON.
import json
import resource
import subprocess
import sys
import time

began = time.monotonic()
code = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode
wall = time.monotonic() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
if code != 0:
    sys.exit("%s ended with %d" % (sys.argv[1], code))
print(json.dumps({"cpuSeconds": used.ru_utime + used.ru_stime, "wallSeconds": wall, "peakBytes": used.ru_maxrss * 1024}))
