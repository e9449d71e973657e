// SPDX-License-Identifier: Apache-2.0
// What the benchmark imports, each alone in a process of its own.

export interface Package {
  /** As in tables. */
  readonly name: string
  /** What is timed: lines of Python. */
  readonly lines: readonly string[]
  /** Which of the images has it, see scripts/base-image.sh. */
  readonly image: 'web' | 'native'
  /** Directory below /opt/pypi that is put on PYTHONPATH. */
  readonly pypi?: string
  /** A program instead of a package: its run counts, not only its imports. */
  readonly program?: boolean
}

const DJANGO = [
  'import django',
  'from django.conf import settings',
  'settings.configure(INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"])',
  'django.setup()',
  'import django.contrib.auth',
]

export const PACKAGES: readonly Package[] = [
  web('boto3'),
  web('requests'),
  native('numpy'),
  web('pyparsing'),
  web('sqlalchemy'),
  web('werkzeug'),
  web('aiohttp'),
  { ...web('google-cloud-storage', 'from google.cloud import storage'), pypi: 'google-cloud-storage' },
  web('flask'),
  web('httpx'),
  web('jsonschema'),
  web('yaml'),
  native('scipy', 'import scipy.stats'),
  native('pandas'),
  native('seaborn'),
  { ...web('azure-core', 'import azure.core.pipeline.transport'), pypi: 'azure-core' },
  native('torch'),
  web('django', ...DJANGO),
  web('fastapi'),
  native('sklearn'),
  program('httpie --version', 'http', 'httpie.__main__'),
  program('aws --version', 'aws', 'awscli.clidriver'),
]

/** Seconds to measure, and of several kinds. */
export const QUICK_PACKAGES = ['boto3', 'requests', 'flask', 'jsonschema', 'sqlalchemy']

/** A process of which Python's own start is all, to see what hook and archive cost alone. */
export const NOTHING: Package = { name: 'nothing', lines: ['pass'], image: 'web' }

/** What programs write their times to, as driver.c has it: not the first that is free, which libraries remember that keep a file open. */
export const TIMES = 9

/** The program that is timed: it writes the nanoseconds of the import phase, on the wall and of the processor. */
export function timedProgram(one: Package): string {
  return [
    'import time',
    't, c = time.perf_counter_ns(), time.process_time_ns()',
    'try:',
    ...one.lines.map((line) => ` ${line}`),
    'except SystemExit: pass',
    't, c = time.perf_counter_ns() - t, time.process_time_ns() - c',
    'import os',
    `os.write(${TIMES}, b"%d %d" % (t, c))`,
  ].join('\n')
}

/** The same without the clock, for training runs and for other tools. */
export function plainProgram(one: Package): string {
  return ['try:', ...one.lines.map((line) => ` ${line}`), 'except SystemExit: pass'].join('\n')
}

function web(name: string, ...lines: string[]): Package {
  return { name, lines: lines.length > 0 ? lines : [`import ${name}`], image: 'web' }
}

function native(name: string, ...lines: string[]): Package {
  return { ...web(name, ...lines), image: 'native' }
}

function program(name: string, argv0: string, module: string): Package {
  const lines = [
    'import sys',
    `sys.argv = ["${argv0}", "--version"]`,
    `from ${module} import main`,
    'sys.exit(main())',
  ]
  return { name, lines, image: 'web', program: true }
}
