// SPDX-License-Identifier: Apache-2.0
// One row for each page of the cookbook: how its application is asked for an answer, and what it needs of PyPI.
import { readFileSync } from 'node:fs'
import { inRepository } from './repository.js'

/** How a running application is asked for an answer. */
export type Asked =
  /** The port and the path of a request. */
  | { readonly request: string }
  /** A Python program in a container of the same image, network and folders: its first line says that it asks, the second is the answer. */
  | { readonly program: string }

export interface CookbookRow {
  /** The page's name. */
  readonly page: string
  readonly packages: readonly string[]
  /** How it is asked; absent: it ends by itself, and its output is its answer. */
  readonly asked?: Asked
  /** A part of the answer. */
  readonly answers: string
  /** Variables that its start needs. */
  readonly env?: Readonly<Record<string, string>>
  /** Why it has no snapshot. */
  readonly withoutSnapshot?: RegExp
  /** Directories that who asks has in common with it. */
  readonly folders?: readonly string[]
}

const GAINS_NOTHING = /less than a tenth saved: \d+ of \d+ import statements/
const FLASK_ANSWER = { asked: { request: '5000/' }, answers: '{"hello":"world"}' }

/** A `.pth` file or sitecustomize. */
const RUNS_CODE = / runs code of its own at each start$/

/** Files in place of a broker: the worker reads what is written here. What an earlier worker has left is none of its business. */
const CELERY_FOLDERS = ['/srv/data_in', '/srv/data_out', '/srv/results']
const CELERY_ASKS = `import os, tasks
for folder in ${JSON.stringify(CELERY_FOLDERS)}:
    for name in os.listdir(folder): os.remove(f"{folder}/{name}")
tasks.app.conf.broker_transport_options = {"data_folder_in": "data_out", "data_folder_out": "data_in"}
sent = tasks.add.delay(2, 3)
print("sent", flush=True)
print(sent.get(timeout=120, interval=0.01))`

/** A connection first: a channel that found nobody there would wait for a second before it tries again. */
const GRPC_ASKS = `import grpc, socket, time
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
print("asking", flush=True)
while socket.socket().connect_ex(("127.0.0.1", 50051)): time.sleep(0.001)
answer = HealthStub(grpc.insecure_channel("127.0.0.1:50051")).Check(HealthCheckRequest(service="shop.Orders"), timeout=120)
print(HealthCheckResponse.ServingStatus.Name(answer.status))`

export const COOKBOOK: readonly CookbookRow[] = [
  {
    page: 'aws-lambda',
    packages: ['awslambdaric'],
    // The service that it asks for events.
    asked: { program: readFileSync(inRepository('test/fixtures/lambda_api.py'), 'utf8') },
    answers: '{"hello": "Ada", "half": "0.5"}',
    env: { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001' },
    withoutSnapshot: GAINS_NOTHING,
  },
  {
    page: 'celery',
    packages: ['celery[redis]'],
    asked: { program: CELERY_ASKS },
    answers: '5',
    env: { CELERY_BROKER_URL: 'filesystem://', CELERY_RESULT_BACKEND: 'file:///srv/results' },
    folders: CELERY_FOLDERS,
  },
  { page: 'coverage-run', packages: ['coverage'], answers: '{"total": "5.00"}', withoutSnapshot: RUNS_CODE },
  {
    page: 'ddtrace-run',
    packages: ['flask', 'ddtrace'],
    ...FLASK_ANSWER,
    withoutSnapshot: RUNS_CODE,
  },
  {
    page: 'django-gunicorn',
    packages: ['django', 'gunicorn'],
    asked: { request: '8000/' },
    answers: 'The install worked',
  },
  {
    page: 'fastapi-uvicorn',
    packages: ['fastapi', 'uvicorn'],
    asked: { request: '8000/' },
    answers: '{"hello":"world"}',
  },
  { page: 'flask', packages: ['flask'], ...FLASK_ANSWER },
  {
    page: 'gevent-gunicorn',
    packages: ['flask', 'gunicorn[gevent]'],
    asked: { request: '8000/' },
    answers: '{"hello":"world","sleeps":"gevent.hub"}',
  },
  {
    page: 'grpc-server',
    packages: ['grpcio', 'grpcio-health-checking'],
    asked: { program: GRPC_ASKS },
    answers: 'SERVING',
  },
  {
    page: 'jupyter-server',
    packages: ['jupyter-server'],
    asked: { request: '8888/api' },
    answers: '{"version": "2.',
  },
  {
    page: 'opentelemetry-instrument',
    packages: [
      'flask',
      'opentelemetry-distro',
      'opentelemetry-exporter-otlp',
      'opentelemetry-instrumentation-flask',
    ],
    ...FLASK_ANSWER,
    withoutSnapshot: RUNS_CODE,
  },
  { page: 'streamlit', packages: ['streamlit'], asked: { request: '8501/_stcore/health' }, answers: 'ok' },
  {
    page: 'uwsgi',
    packages: ['flask', 'pyuwsgi'],
    asked: { request: '8000/' },
    answers: '{"hello":"world"}',
    withoutSnapshot: GAINS_NOTHING,
  },
]
