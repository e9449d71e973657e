# SPDX-License-Identifier: Apache-2.0
# Asks an application for PATH until it answers, and says as JSON when that was by the monotonic clock, what the file
# COUNTER then held (an empty name: none), and what the answer was.
import http.client
import json
import sys
import time

port, path, counter, seconds = sys.argv[1:]
PAUSE = 0.001
end = time.monotonic() + float(seconds)
print("asking", flush=True)
while True:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=float(seconds))
        connection.request("GET", path)
        response = connection.getresponse()
        answer = response.read()
        if response.status == 200:
            break
    except (OSError, http.client.HTTPException):
        pass  # nobody listens yet
    if time.monotonic() > end:
        sys.exit("no answer on port %s in %s seconds" % (port, seconds))
    time.sleep(PAUSE)
at = time.monotonic_ns()
used = open(counter).read() if counter else "0"
print(json.dumps({"at": str(at), "used": used, "answer": answer.decode("utf-8", "replace")}))
