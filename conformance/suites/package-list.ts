// SPDX-License-Identifier: Apache-2.0
// The packages whose own tests are run. What fails without the archive as well, as for want of a network, is no matter.

export interface TestedPackage {
  readonly name: string
  readonly version: string
  /** What its tests need besides pytest, as pip takes it. */
  readonly requires?: readonly string[]
  /** `sdist`: the tests are in the source package. `installed`: they are installed with the package. */
  readonly tests: 'sdist' | 'installed'
  /** Django's are not for pytest: its own test runner runs them. */
  readonly runner?: 'django'
  /** Paths in the source package, names of installed packages, or labels of Django's; each is run in a process of its own. */
  readonly parts: readonly string[]
  /** Cases that are left out everywhere, by pytest's names. */
  readonly ignored?: readonly { readonly test: string; readonly reason: string }[]
  /** A mark by which the package itself tells cases that are not for every run; they are left out. */
  readonly unmarked?: string
  /** Further options of pytest. */
  readonly options?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Threads of these wait by spinning, which takes many times as long where cores are shared. */
const ONE_THREAD = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' }

export const PYTEST = 'pytest==8.4.2'

export const PACKAGES: readonly TestedPackage[] = [
  {
    ...{ name: 'attrs', version: '25.3.0', tests: 'sdist', parts: ['tests'] },
    requires: ['hypothesis==6.135.0', 'cloudpickle==3.1.1', 'pympler==1.1'],
  },
  { name: 'jinja2', version: '3.1.6', tests: 'sdist', parts: ['tests'], requires: ['trio==0.30.0'] },
  { name: 'click', version: '8.2.1', tests: 'sdist', parts: ['tests'] },
  { name: 'flask', version: '3.1.1', tests: 'sdist', parts: ['tests'], requires: ['asgiref==3.8.1'] },
  {
    ...{ name: 'werkzeug', version: '3.1.3', tests: 'sdist', parts: ['tests'] },
    requires: ['ephemeral-port-reserve==1.1.4', 'cryptography==45.0.3', 'watchdog==6.0.0'],
  },
  {
    ...{ name: 'requests', version: '2.32.4', tests: 'sdist', parts: ['tests'] },
    requires: [
      'pytest-httpbin==2.1.0',
      'httpbin==0.10.2',
      'pytest-mock==3.14.1',
      'trustme==1.2.1',
      'PySocks==1.7.1',
    ],
  },
  {
    ...{ name: 'urllib3', version: '2.4.0', tests: 'sdist', parts: ['test'] },
    requires: [
      ...['trustme==1.2.1', 'pytest-timeout==2.4.0', 'PySocks==1.7.1', 'cryptography==45.0.3', 'idna==3.10'],
      ...[
        'hypercorn==0.17.3',
        'quart==0.20.0',
        'quart-trio==0.12.0',
        'trio==0.30.0',
        'h2==4.2.0',
        'httpx==0.28.1',
      ],
    ],
    // What waits for a server that does not come is to cost itself alone. Warnings are errors there, and are given
    // whenever the collector of garbage comes to a socket.
    options: ['--timeout=120', '-o', 'timeout_func_only=true', '-o', 'filterwarnings='],
    ignored: [
      {
        test: 'test/with_dummyserver/test_poolmanager.py::TestPoolManager::test_headers_http_multi_header_multipart',
        reason: 'waits for an answer of its own server that does not come',
      },
      ...['TLSv1', 'TLSv1_1', 'TLSv1_2', 'TLSv1_3'].map((version) => ({
        test: `test/with_dummyserver/test_https.py::TestHTTPS_${version}::test_http2_probe_blocked_per_thread`,
        reason:
          'leaves, now and then, a thread that waits for ever for a lock, and so does the end of the process',
      })),
    ],
  },
  { name: 'pyyaml', version: '6.0.2', tests: 'sdist', parts: ['tests'] },
  {
    // The last whose source package has its tests.
    ...{ name: 'cloudpickle', version: '2.2.1', tests: 'sdist', parts: ['tests'] },
    requires: ['psutil==7.0.0', 'tornado==6.5.1', 'typing_extensions==4.14.0'],
    // Its tests take a package that lies beside them for an installed one.
    env: { PYTHONPATH: 'tests/cloudpickle_testpkg' },
  },
  { name: 'dill', version: '0.4.0', tests: 'installed', parts: ['dill.tests'] },
  { name: 'wrapt', version: '1.17.2', tests: 'sdist', parts: ['tests'] },
  { name: 'beartype', version: '0.21.0', tests: 'sdist', parts: ['beartype_test'] },
  {
    ...{ name: 'typeguard', version: '4.4.2', tests: 'sdist', parts: ['tests'] },
    requires: ['mypy==1.16.0'],
  },
  {
    ...{ name: 'importlib_metadata', version: '8.7.0', tests: 'sdist', parts: ['tests'] },
    requires: ['pyfakefs==5.8.0', 'packaging==25.0', 'jaraco.test==5.5.1', 'flufl.flake8==0.9'],
  },
  {
    ...{
      name: 'setuptools',
      version: '80.9.0',
      tests: 'sdist',
      parts: ['setuptools/tests', 'setuptools/_distutils/tests'],
    },
    requires: [
      ...['wheel==0.45.1', 'virtualenv==20.31.2', 'pip==25.1.1', 'build==1.2.2.post1', 'filelock==3.18.0'],
      ...['jaraco.envs==2.6.0', 'jaraco.path==3.7.2', 'jaraco.test==5.5.1', 'pyproject-hooks==1.2.0'],
      ...[
        'ini2toml[lite]==0.15',
        'tomli-w==1.2.0',
        'packaging==25.0',
        'pytest-subprocess==1.5.3',
        'more-itertools==10.7.0',
      ],
    ],
  },
  {
    name: 'pytest',
    version: '8.4.2',
    tests: 'sdist',
    parts: ['testing'],
    requires: ['attrs==25.3.0', 'hypothesis==6.135.0', 'xmlschema==4.1.0', 'pygments==2.19.1'],
  },
  {
    ...{
      name: 'sqlalchemy',
      version: '2.0.41',
      tests: 'sdist',
      parts: [
        'test/base',
        'test/engine',
        'test/ext',
        'test/orm',
        'test/sql',
        'test/dialect',
        'test/aaa_profiling',
      ],
    },
    requires: ['aiosqlite==0.21.0', 'greenlet==3.2.3'],
  },
  {
    ...{ name: 'pydantic', version: '2.11.5', tests: 'sdist', parts: ['tests'] },
    options: [
      '--ignore=tests/mypy',
      '--ignore=tests/benchmarks',
      '--ignore=tests/pydantic_core',
      '--ignore=tests/test_docs.py',
    ],
    requires: [
      'dirty-equals==0.9.0',
      'email-validator==2.2.0',
      'jsonschema==4.24.0',
      'pytest-mock==3.14.1',
      'pytz==2025.2',
      'eval-type-backport==0.2.2',
      'cloudpickle==3.1.1',
      'faker==37.3.0',
      'pytest-examples==0.0.18',
      'pytest-run-parallel==0.4.2',
      'pytest-benchmark==5.1.0',
      'packaging==25.0',
    ],
  },
  {
    ...{ name: 'celery', version: '5.5.3', tests: 'sdist', parts: ['t/unit'] },
    requires: [
      'pytest-celery==1.2.0',
      'pytest-subtests==0.14.2',
      'pytest-timeout==2.4.0',
      'pytest-click==1.1.0',
      'pytest-order==1.3.0',
      'boto3==1.38.32',
      'moto==5.1.5',
      'PyYAML==6.0.2',
      'setuptools==80.9.0',
    ],
  },
  {
    ...{ name: 'coverage', version: '7.8.2', tests: 'sdist', parts: ['tests'] },
    requires: ['flaky==3.8.1', 'hypothesis==6.135.0', 'pytest-xdist==3.7.0'],
  },
  {
    ...{
      name: 'numpy',
      version: '2.2.6',
      tests: 'installed',
      parts: [
        'numpy._core',
        'numpy.lib',
        'numpy.ma',
        'numpy.linalg',
        'numpy.polynomial',
        'numpy.random',
        'numpy.typing',
        'numpy.tests',
      ],
    },
    requires: ['hypothesis==6.135.0', 'setuptools==80.9.0'],
    unmarked: 'slow',
    env: ONE_THREAD,
  },
  {
    ...{
      name: 'pandas',
      version: '2.3.0',
      tests: 'installed',
      parts: [
        'pandas.tests.api',
        'pandas.tests.base',
        'pandas.tests.config',
        'pandas.tests.dtypes',
        'pandas.tests.libs',
        'pandas.tests.series',
        'pandas.tests.util',
      ],
    },
    requires: ['hypothesis==6.135.0'],
  },
  {
    ...{
      name: 'scikit-learn',
      version: '1.7.0',
      tests: 'installed',
      parts: ['sklearn.tests.test_base', 'sklearn.utils', 'sklearn.linear_model', 'sklearn.tree'],
    },
    env: ONE_THREAD,
  },
  // Neither its source package nor its wheels have its tests.
  { name: 'debugpy', version: '1.8.14', tests: 'sdist', parts: ['tests'] },
  {
    // Modules of tests that replace the standard library's, so each has its process. Left out: what asks for names of hosts.
    ...{
      name: 'gevent',
      version: '25.5.1',
      tests: 'installed',
      parts: [
        ...['gevent.tests.test__greenlet', 'gevent.tests.test__pool', 'gevent.tests.test__queue'],
        ...['gevent.tests.test__event', 'gevent.tests.test__semaphore', 'gevent.tests.test__local'],
        ...['gevent.tests.test__hub', 'gevent.tests.test__threadpool', 'gevent.tests.test__subprocess'],
        ...['gevent.tests.test__socket', 'gevent.tests.test__monkey', 'gevent.tests.test__pywsgi'],
      ],
    },
    requires: ['psutil==7.0.0', 'dnspython==2.7.0', 'requests==2.32.4'],
  },
  {
    ...{ name: 'django', version: '5.2.3', tests: 'sdist', runner: 'django' },
    parts: [
      ...[
        'admin_scripts',
        'apps',
        'auth_tests',
        'dispatch',
        'forms_tests',
        'handlers',
        'i18n',
        'logging_tests',
      ],
      ...['middleware', 'migrations', 'model_forms', 'queries', 'requests_tests', 'servers', 'signals'],
      ...['template_loader', 'template_tests', 'test_runner', 'urlpatterns_reverse', 'utils_tests', 'wsgi'],
    ],
    requires: ['tblib==3.1.0', 'jinja2==3.1.6', 'PyYAML==6.0.2'],
  },
]

/** The parts of a package as results name them. */
export function filesOf({ name, tests, parts }: TestedPackage): string[] {
  return parts.map((part) => (tests === 'sdist' ? `${name}/${part}` : part))
}
