// SPDX-License-Identifier: Apache-2.0
// One row for each page of the cookbook: how its application is asked for an answer, and what it needs of PyPI.

export interface CookbookRow {
  /** The page's name. */
  readonly page: string
  readonly packages: readonly string[]
  /** The port and the path of a request that it answers. */
  readonly request?: string
  /** What is no request: a Python program that asks the running application, in its container. With neither, its output is its answer. */
  readonly asks?: string
  /** A part of the answer. */
  readonly answers: string
  /** Whether it asks a service for events, which is asked for the answer. */
  readonly isFunction?: boolean
  /** Variables that its start needs. */
  readonly env?: Readonly<Record<string, string>>
  /** Empty directories that it needs. */
  readonly folders?: readonly string[]
}

const FLASK_ANSWER = { request: '5000/', answers: '{"hello":"world"}' }

export const COOKBOOK: readonly CookbookRow[] = [
  {
    page: 'aws-lambda',
    packages: ['awslambdaric'],
    isFunction: true,
    answers: '{"hello": "Ada", "half": "0.5"}',
    env: { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001' },
  },
  {
    page: 'celery',
    packages: ['celery[redis]'],
    asks: `import tasks
tasks.app.conf.broker_transport_options = {"data_folder_in": "data_out", "data_folder_out": "data_in"}
print(tasks.add.delay(2, 3).get(timeout=30))`,
    answers: '5',
    // Files in place of a broker: the worker reads what the program above writes.
    env: { CELERY_BROKER_URL: 'filesystem://', CELERY_RESULT_BACKEND: 'file:///tmp' },
    folders: ['/srv/data_in', '/srv/data_out'],
  },
  { page: 'coverage-run', packages: ['coverage'], answers: '{"total": "5.00"}' },
  { page: 'ddtrace-run', packages: ['flask', 'ddtrace'], ...FLASK_ANSWER },
  {
    page: 'django-gunicorn',
    packages: ['django', 'gunicorn'],
    request: '8000/',
    answers: 'The install worked',
  },
  { page: 'flask', packages: ['flask'], ...FLASK_ANSWER },
  { page: 'jupyter-server', packages: ['jupyter-server'], request: '8888/api', answers: '{"version": "2.' },
  {
    page: 'opentelemetry-instrument',
    packages: [
      'flask',
      'opentelemetry-distro',
      'opentelemetry-exporter-otlp',
      'opentelemetry-instrumentation-flask',
    ],
    ...FLASK_ANSWER,
  },
  { page: 'streamlit', packages: ['streamlit'], request: '8501/_stcore/health', answers: 'ok' },
  { page: 'uwsgi', packages: ['flask', 'pyuwsgi'], request: '8000/', answers: '{"hello":"world"}' },
]

/** A Python program that asks the running application of a page, in its container. */
export function askingProgram({ request, asks }: CookbookRow): string | undefined {
  return request === undefined
    ? asks
    : `import urllib.request as r; print(r.urlopen("http://127.0.0.1:${request}").read().decode())`
}
