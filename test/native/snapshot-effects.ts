// SPDX-License-Identifier: Apache-2.0
// What an import does to the process, not to modules: whoever imports such a module ready must find the same before and
// after. Most are left out of a snapshot; of the others nothing but the clock may tell that they were in it.
import { execFileSync } from 'node:child_process'
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { inRepository } from '../helpers/repository.js'
import { missing, notRoot, unless } from '../helpers/skipped.js'
import { freezableToTry } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { WarmBench } from '../helpers/warm.js'

const OBSERVE = readFileSync(inRepository('test/fixtures/snapshot/observe.py'), 'utf8')
/** What it looks at is imported ready, too. */
const OBSERVED = [
  'typing',
  'asyncio',
  'csv',
  'ctypes',
  'decimal',
  'mimetypes',
  'random',
  'sqlite3',
  'xml.etree.ElementTree',
]
const ENV = { PYTHONHASHSEED: '0' }

const EFFECTS: Record<string, string> = {
  callbacks: 'import gc; gc.callbacks.append(lambda phase, info: None)',
  thread_trace: 'import threading; threading.settrace(print)',
  prompt: 'import sys; sys.ps1 = "? "',
  traceback_limit: 'import sys; sys.tracebacklimit = 3',
  warnoptions: 'import sys; sys.warnoptions.append("observed")',
  argv: 'import sys; sys.argv.append("observed")',
  path_hooks: 'import sys; sys.path_hooks.append(print)',
  xoptions: 'import sys; sys._xoptions["observed"] = True',
  builtin: 'import builtins; builtins.observed_builtin = 1',
  csv_dialect: 'import csv; csv.register_dialect("observed", delimiter=";")',
  sqlite_converter: 'import sqlite3; sqlite3.register_converter("observed", bytes)',
  spaces: 'import xml.etree.ElementTree as tree; tree.register_namespace("observed", "urn:observed")',
  policy:
    'import asyncio; asyncio.set_event_loop_policy(type("Observed", (asyncio.DefaultEventLoopPolicy,), {})())',
  variable: 'import os; os.environ.setdefault("OBSERVED", "1")',
  variable_of_c: 'import ctypes; ctypes.CDLL(None).setenv(b"OBSERVED_BY_C", b"1", 1)',
  main: 'import __main__; __main__.observed = 1; del __main__',
  cache: 'import re; re._MAXCACHE = 50',
}

/** Imported as ever all the same, since the program has something else where they look. */
const AS_EVER = new Set(['does_policy', 'does_main'])

const pythons = freezableToTry()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: no effect of an import is tried', () => undefined)

for (const python of pythons) {
  testInTurn(`${python.version}: what an import does to the process is done then`, async (t) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    const modules = Object.keys(EFFECTS).map((name) => `does_${name}`)
    for (const [name, text] of Object.entries(EFFECTS))
      bench.file(`${bench.inSite}/does_${name}.py`, `${text}\n`)
    const { leftOut } = await bench.freezeWarm([...OBSERVED, ...modules], ENV)
    t.deepEqual(leftOut, [])
    const script = bench.file('app/observe.py', OBSERVE)
    for (const module of modules) {
      const { ready } = await bench.assertSame(t, module, [script, module], { env: ENV })
      t.is(ready.includes(module), !AS_EVER.has(module), module)
    }
  })
}

/** Makes finalizers, of its own and of others, each of which tells of itself. */
const FINALIZERS: Record<string, string> = {
  first:
    'import weakref\nclass Held: pass\nHELD = Held()\nweakref.finalize(HELD, print, "first")\nFREED = weakref.finalize(Held(), print, end="")\n',
  second:
    'import weakref, json\nweakref.finalize(json.dumps, print, "second of json").atexit = True\nKEPT = weakref.finalize(json.loads, print, "third")\n',
  // One that is gone was somebody else's.
  takes: 'import second\nsecond.KEPT.detach()\n',
}
const SHOW_FINALIZERS = [
  'import sys, atexit, weakref',
  'print(repr(weakref.finalize._index_iter), weakref.finalize._dirty, weakref.finalize._registered_with_atexit)',
  'print([(one.peek()[1:], info.index) for one, info in weakref.finalize._registry.items()], atexit._ncallbacks())',
].join('\n')
/** What comes before, and which of them are ready. */
const WITH_FINALIZERS: [program: string, ready: string[]][] = [
  ['import first', ['first']],
  ['import second', ['second']],
  ['import second, first', ['second', 'first']],
  ['import first\nimport second\nfirst.HELD = None', ['first', 'second']],
  [
    'import weakref\nclass Own: pass\nown = Own()\nimport second\nweakref.finalize(own, print, "own")',
    ['second'],
  ],
  // The class is not what it was.
  ['import weakref\nclass Own: pass\nown = Own()\nweakref.finalize(own, print, "own")\nimport second', []],
  ['import weakref\nclass finalize(weakref.finalize): pass\nweakref.finalize = finalize\nimport first', []],
]

for (const python of pythons) {
  testInTurn(`${python.version}: finalizers are those of the imports, in their order`, async (t) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    for (const [name, text] of Object.entries(FINALIZERS)) bench.file(`${bench.inSite}/${name}.py`, text)
    const { leftOut } = await bench.freezeWarm(['weakref', 'json', ...Object.keys(FINALIZERS)], ENV)
    t.deepEqual(
      leftOut.map(({ name, reason }) => [name, reason]),
      [['takes', 'CHANGED']],
    )
    for (const [program, expected] of WITH_FINALIZERS) {
      const script = bench.file('app/finalizers.py', `${program}\n${SHOW_FINALIZERS}\n`)
      const { ready } = await bench.assertSame(t, program, [script], { env: ENV })
      t.deepEqual(
        ready.filter((name) => name in FINALIZERS),
        expected,
        program,
      )
    }
  })
}

/** Between two effects of one kind it asks for a module that is there. */
const ASKS_BETWEEN = [
  'import linecache, logging, warnings, copyreg, json',
  'class First: pass',
  'class Second: pass',
  'def add(number, kind):',
  '    linecache.cache[f"<lines {number}>"] = (1, None, [f"{number}"], f"<lines {number}>")',
  '    warnings.filterwarnings("ignore", message=f"front {number}")',
  '    logging.getLogger(f"between.{number}")',
  '    copyreg.pickle(kind, str)',
  'add(1, First)',
  'import json.decoder',
  'add(2, Second)',
].join('\n')

for (const python of pythons) {
  testInTurn(
    `${python.version}: effects with an import statement between them are held, in their order`,
    async (t) => {
      const bench = new WarmBench(t, python)
      await bench.train()
      bench.file(`${bench.inSite}/between.py`, ASKS_BETWEEN)
      const { leftOut } = await bench.freezeWarm(['json', 'between'], ENV)
      t.deepEqual(leftOut, [])
      const program = [
        'import between, linecache, warnings, copyreg, logging',
        'print(list(linecache.cache), warnings.filters, list(copyreg.dispatch_table)[-2:], list(logging.root.manager.loggerDict))',
      ]
      const script = bench.file('app/main.py', program.join('\n'))
      t.is((await bench.assertSame(t, 'between', [script], { env: ENV })).ready[0], 'between')
    },
  )
}

/** What two modules have under names of their own is one thing. */
const HAS_TWO_NAMES: Record<string, string> = {
  owns: 'NAMES, TABLE, LIST = {"owns"}, {"owns": 1}, ["owns"]\n',
  shows: 'from owns import NAMES as names, TABLE as table, LIST as list\n',
  adds: 'import owns\nowns.NAMES.add("adds"); owns.TABLE["adds"] = 2; owns.LIST.append("adds")\n',
  removes: 'import owns\nowns.NAMES.discard("owns")\n',
}

for (const python of pythons) {
  testInTurn(`${python.version}: what two modules have is given once`, async (t) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    for (const [name, text] of Object.entries(HAS_TWO_NAMES)) bench.file(`${bench.inSite}/${name}.py`, text)
    const { leftOut } = await bench.freezeWarm(Object.keys(HAS_TWO_NAMES), ENV)
    t.deepEqual(
      leftOut.map(({ name, reason }) => [name, reason]),
      [['removes', 'CHANGED']],
    )
    for (const names of [['owns'], ['shows'], ['adds'], ['shows', 'adds'], ['adds', 'shows']]) {
      const program = `import ${names.join()}, owns; print(sorted(owns.NAMES), owns.TABLE, owns.LIST)`
      const { ready } = await bench.assertSame(t, names.join(), ['-c', program], { env: ENV })
      // Who has looked at what others add to is held while nobody has added to it who had not when it looked.
      const expected = names[0] === 'adds' ? ['adds'] : names
      t.deepEqual(ready.slice(0, names.length), expected, names.join())
    }
  })
}

/** As the packages of these names make TLS contexts for clients, in short. */
const CONTEXTS: Record<string, string> = {
  'requests/__init__.py': '',
  'requests/adapters.py': [
    'import ssl, os',
    'DEFAULT_CA_BUNDLE_PATH = os.path.dirname(__file__) + "/cacert.pem"',
    'def create_urllib3_context(): return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)',
    'def extract_zipped_paths(path): return path',
    '_preloaded_ssl_context = create_urllib3_context()',
    '_preloaded_ssl_context.load_verify_locations(extract_zipped_paths(DEFAULT_CA_BUNDLE_PATH))',
  ].join('\n'),
  'aiohttp/__init__.py': '',
  'aiohttp/connector.py': [
    'import ssl',
    'def _make_ssl_context(verified):',
    '    context = ssl.create_default_context() if verified else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)',
    '    if not verified: context.set_default_verify_paths()',
    '    context.set_alpn_protocols(("http/1.1",))',
    '    return context',
    '_SSL_CONTEXT_VERIFIED = _make_ssl_context(True)',
    '_SSL_CONTEXT_UNVERIFIED = _make_ssl_context(False)',
  ].join('\n'),
}
const SHOW_CONTEXTS = [
  'import ssl, requests.adapters, aiohttp.connector as connector',
  'for one in (requests.adapters._preloaded_ssl_context, connector._SSL_CONTEXT_VERIFIED, connector._SSL_CONTEXT_UNVERIFIED):',
  '    print(one.cert_store_stats(), one.protocol, one.verify_mode, one.options, len(one.get_ca_certs()))',
].join('\n')
const RANDOM = 'import ssl; print(ssl.RAND_bytes(16).hex())'

/** Makes certificates of authorities, one after another in a file. */
function authorities(count: number): string {
  const words =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -keyout /dev/null -subj'
  return Array.from({ length: count }, (_, i) =>
    execFileSync('openssl', [...words.split(' '), `/CN=authority ${i}`], { encoding: 'utf8', stdio: 'pipe' }),
  ).join('')
}

const certifying = unless(missing('openssl'), testInTurn)

for (const python of pythons) {
  certifying(`${python.version}: TLS contexts of clients are those of the process`, async (t) => {
    const make = async (files: Record<string, string>, names: readonly string[]) => {
      const bench = new WarmBench(t, python)
      await bench.train()
      const all = { ...CONTEXTS, 'requests/cacert.pem': authorities(1), ...files }
      for (const [name, text] of Object.entries(all)) bench.file(`${bench.inSite}/${name}`, text)
      const { leftOut } = await bench.freezeWarm(names, ENV)
      return { bench, leftOut: leftOut.map(({ name, reason, detail }) => [name, reason, detail]) }
    }
    const modules = ['requests.adapters', 'aiohttp.connector']
    const { bench, leftOut } = await make({}, ['ssl', ...modules])
    t.deepEqual(leftOut, [])
    const script = bench.file('app/contexts.py', SHOW_CONTEXTS)
    const ready = async (what: string) =>
      (await bench.assertSame(t, what, [script], { env: ENV })).ready.filter((name) => modules.includes(name))
    t.deepEqual(await ready('as they were'), modules)
    // What is drawn is drawn by each process, with the contexts and without.
    const starts = [RANDOM, RANDOM, `${SHOW_CONTEXTS}\n${RANDOM}`, `${SHOW_CONTEXTS}\n${RANDOM}`].map(
      (program) => bench.start(['-c', program], { env: ENV }),
    )
    const drawn = (await Promise.all(starts)).map(({ stdout, snapshot }) => {
      t.is(snapshot, 'thawed')
      return stdout.trim().split('\n').at(-1)
    })
    t.is(new Set(drawn).size, starts.length)
    bench.file(`${bench.inSite}/requests/cacert.pem`, authorities(3))
    t.deepEqual(await ready('other authorities'), modules)
    rmSync(bench.file(`${bench.inSite}/requests/cacert.pem`, ''))
    t.deepEqual(await ready('none'), [])

    // Not where another has got hold of one, nor where it draws for something else.
    const keeps = 'from requests.adapters import _preloaded_ssl_context as KEPT\n'
    const kept = await make({ 'keeps.py': keeps }, ['ssl', 'keeps'])
    t.deepEqual(kept.leftOut[0], ['requests.adapters', 'ENTROPY', '_preloaded_ssl_context'])
    const draws = 'import ssl\nssl.RAND_bytes(16)\n'
    const other = await make({ 'aiohttp/connector.py': draws }, ['ssl', 'aiohttp.connector'])
    t.deepEqual(
      other.leftOut.map(([name]) => name),
      ['aiohttp.connector'],
    )
  })
}

/** Who trusts a server, before and after one of the contexts has got another authority: the others have none of it. */
const TRUST = [
  'import sys, ssl, requests.adapters as adapters, aiohttp.connector as connector',
  'server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)',
  'server.load_cert_chain(sys.argv[1])',
  'def shake(context):',
  '    here, there = ssl.MemoryBIO(), ssl.MemoryBIO()',
  '    ends = [context.wrap_bio(here, there, server_hostname="localhost"), server.wrap_bio(there, here, server_side=True)]',
  '    while ends:',
  '        end = ends.pop(0)',
  '        try: end.do_handshake()',
  '        except ssl.SSLWantReadError: ends.append(end)',
  '        except ssl.SSLError as error: return error.reason',
  '    return "trusted"',
  'contexts = adapters._preloaded_ssl_context, connector._SSL_CONTEXT_VERIFIED, connector._SSL_CONTEXT_UNVERIFIED',
  'show = lambda: print([(shake(one), one.cert_store_stats(), len(one.get_ca_certs())) for one in contexts])',
  'show()',
  'for one in contexts: one.load_verify_locations(sys.argv[1]); show()',
].join('\n')
/** Whether the certificates are read while the modules are imported. */
const READS_MUCH = [
  'read = lambda: int(open("/proc/self/io").read().split()[1])',
  'before = read()',
  'import requests.adapters; between = read()',
  'import aiohttp.connector; print(between - before > 100000, read() - between > 100000)',
].join('\n')

for (const python of pythons) {
  certifying(
    `${python.version}: certificates of TLS contexts are read again where their file is another one`,
    async (t) => {
      const bench = new WarmBench(t, python)
      await bench.train()
      const padding = `${'-'.repeat(60)}\n`.repeat(4000)
      for (const [name, text] of Object.entries(CONTEXTS)) bench.file(`${bench.inSite}/${name}`, text)
      const own = bench.file(`${bench.inSite}/requests/cacert.pem`, padding + authorities(2))
      const server = bench.file('server.pem', '')
      const words =
        'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=localhost'
      const files = [
        '-addext',
        'subjectAltName=DNS:localhost',
        '-keyout',
        server,
        '-out',
        `${server}.certificate`,
      ]
      execFileSync('openssl', [...words.split(' '), ...files], { stdio: 'pipe' })
      const certificate = readFileSync(`${server}.certificate`, 'utf8')
      appendFileSync(server, certificate)
      const system = bench.file('system.pem', padding + authorities(1))
      const env = { ...ENV, SSL_CERT_FILE: system, SSL_CERT_DIR: bench.directory }
      const modules = ['requests.adapters', 'aiohttp.connector']
      t.deepEqual((await bench.freezeWarm(['ssl', ...modules], env)).leftOut, [])
      const script = bench.file('app/trust.py', TRUST)
      const expect = async (what: string, reads: string, ready = modules) => {
        const found = await bench.assertSame(t, what, [script, server], { env })
        t.deepEqual(
          found.ready.filter((name) => modules.includes(name)),
          ready,
          what,
        )
        t.is((await bench.start(['-c', READS_MUCH], { env })).stdout.trim(), reads, what)
      }
      await expect('as they were', 'False False')
      writeFileSync(own, padding + authorities(2) + certificate)
      await expect('another file of the package', 'True False')
      writeFileSync(system, padding + certificate)
      await expect('another file of the system, too', 'True True')
      const elsewhere = { ...env, SSL_CERT_FILE: own }
      const other = await bench.assertSame(t, 'another path', [script, server], { env: elsewhere })
      t.deepEqual(
        other.ready.filter((name) => modules.includes(name)),
        ['requests.adapters'],
      )
    },
  )
}

/** Imports of which nothing is left but what is in their modules, or what is made anew in each process. */
const HARMLESS: Record<string, string> = {
  // Extension modules do not find the module of decimals while they are loaded.
  counts: 'import decimal; VALUE = decimal.Decimal(1) + 2; import ctypes, mmap',
  puts_in: 'import os; os.environ["PUT_IN"] = os.environ.get("PUT_IN", "1")',
  writes_after: 'import discards, puts_in, os; os.environ["PUT_IN"] = "1"',
  reads_after: 'import discards, os; VALUE = os.environ.get("PUT_IN")',
  // What Python does not know of.
  puts_in_c: 'import ctypes; ctypes.CDLL(None).setenv(b"PUT_IN_C", b"1", 1)',
  puts_in_both: 'import ctypes, os; ctypes.CDLL(None).setenv(b"FIRST", b"1", 1); os.environ["SECOND"] = "2"',
  takes_out_of_c:
    'import ctypes; libc = ctypes.CDLL(None); libc.setenv(b"TAKEN", b"1", 1); import bisect; libc.unsetenv(b"TAKEN")',
  takes_out: 'import os; os.environ["TAKEN"] = "1"; import colorsys; del os.environ["TAKEN"]',
  discards: 'import os\nwith open(os.devnull, "w") as file: file.write("nothing")',
  encodes: 'VALUE = "x".encode("cp1252")',
  encodes_too: 'VALUE = "y".encode("Windows-1252"), "z".encode("cp1252")',
  asks_processor: 'import platform; VALUE = platform.uname()[4]',
  asks_processor_too: 'import platform; VALUE = platform.uname()[4], platform.platform() and None',
}
/** Not these, and why. */
const HARMFUL: Record<string, [program: string, reason: string]> = {
  main_kept: ['import __main__', 'MAIN'],
  writes_other: ['import discards, puts_in, os; os.environ["PUT_IN"] = "2"', 'VARIABLES'],
  puts_number: ['import os; os.environ["NUMBER"] = str(os.getpid())', 'PID'],
  puts_number_in_c: [
    'import ctypes, os; ctypes.CDLL(None).setenv(b"NUMBER_IN_C", str(os.getpid()).encode(), 1)',
    'PID',
  ],
  // Of what the C library alone has it is not known who has asked for which.
  writes_c_after: ['import puts_in_c, ctypes; ctypes.CDLL(None).setenv(b"PUT_IN_C", b"1", 1)', 'VARIABLES'],
  reads_c_after: ['import ctypes; ctypes.CDLL(None).getenv(b"PUT_IN_C")', 'VARIABLES'],
  keeps_open: ['KEPT = open(__file__)', 'DESCRIPTOR'],
  keeps_callback: ['import ctypes; KEPT = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1)', 'MAPPED'],
  rounds: ['import decimal; VALUE = decimal.Decimal(1) / 3', 'INTERPRETER'],
  fills: ['open("/dev/full", "w").close()', 'WROTE'],
  keeps_codec: ['import codecs; KEPT = codecs.lookup("cp1251")', 'CODEC'],
  keeps_encoder: ['import codecs; KEPT = codecs.getencoder("cp1250")', 'CODEC'],
  misses_codec: ['import codecs\ntry: codecs.lookup("observed")\nexcept LookupError: pass', 'CODEC'],
  keeps_processor: ['import platform; KEPT = platform.processor()', 'DIFFERS'],
  runs_uname: ['import subprocess; subprocess.check_output(["uname", "-p"])', 'PROCESS'],
  // Of the size of a cache it is known who reads it.
  sets: ['import decimal; decimal.MAX_PREC = 5', 'CHANGED'],
}
/** What only its name tells of, in short. */
const NAMED: Record<string, string> = {
  'numpy/testing/_private/utils.py': [
    'import os',
    'def memusage(_proc_pid_stat=f"/proc/{os.getpid()}/stat"): return _proc_pid_stat',
    'def jiffies(_proc_pid_stat=f"/proc/{os.getpid()}/stat", _load_time=[]): return _proc_pid_stat, _load_time',
    'def is_own(): return memusage() == f"/proc/{os.getpid()}/stat" == jiffies()[0]',
  ].join('\n'),
  'numpy/f2py/rules.py': [
    'import os, time',
    'generationtime = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))',
    'module_rules = {"modulebody": "date: " + time.asctime(time.gmtime(generationtime)) + ";", "separatorsfor": {}}',
    'def is_own():',
    '    date = time.asctime(time.gmtime(generationtime))',
    '    return abs(generationtime - time.time()) < 60 and module_rules["modulebody"] == f"date: {date};"',
  ].join('\n'),
  'psutil/_pslinux.py': [
    'import glob, os, sys',
    'from collections import namedtuple',
    'HAS_PROC_SMAPS = os.path.exists(f"/proc/{os.getpid()}/smaps")',
    'HAS_PROC_SMAPS_ROLLUP = os.path.exists(f"/proc/{os.getpid()}/smaps_rollup")',
    'CLOCK_TICKS = os.sysconf("SC_CLK_TCK")',
    'def lines():',
    '    with open(sys.modules["psutil"].PROCFS_PATH + "/stat", "rb") as file: return [line.split()[1:] for line in file if line.startswith(b"cpu")]',
    'with open("/proc/stat", "rb") as file: fields = len(file.readline().split()) - 1',
    'scputimes = namedtuple("scputimes", [f"f{i}" for i in range(min(fields, 10))])',
    'def times(words): return scputimes(*[float(word) / CLOCK_TICKS for word in words[:len(scputimes._fields)]])',
    'def cpu_times(): return times(lines()[0])',
    'def per_cpu_times(): return [times(words) for words in lines()[1:]]',
    'if any(map(os.path.exists, ["/sys/devices/system/cpu/cpufreq/policy0", "/sys/devices/system/cpu/cpu0/cpufreq"])):',
    '    def cpu_freq(): return glob.glob("/sys")',
    'else:',
    '    def cpu_freq(): return []',
    'class Process:',
    '    if os.path.exists(f"/proc/{os.getpid()}/io"):',
    '        def io_counters(self): return None',
    'def is_own():',
    '    import psutil',
    '    now, then, each = cpu_times(), psutil._last_cpu_times, psutil._last_per_cpu_times',
    '    is_new = abs(now.f3 - then.f3) < 30 * os.cpu_count()',
    '    return is_new, then is psutil._last_cpu_times_2, each is psutil._last_per_cpu_times_2, len(each), scputimes._fields',
  ].join('\n'),
  'joblib/_multiprocessing_helpers.py': [
    'import os, tempfile',
    'try:',
    '    from _multiprocessing import SemLock',
    '    _rand = tempfile._RandomNameSequence()',
    '    for i in range(100):',
    '        name = "/joblib-{}-{}".format(os.getpid(), next(_rand))',
    '        _sem = SemLock(0, 0, 1, name=name, unlink=True)',
    '        del _sem',
    '        break',
    '    mp = True',
    'except OSError: mp = None',
    'def is_own(): return mp and f"-{os.getpid()}-" in name and _rand._rng_pid == os.getpid()',
  ].join('\n'),
}

/** What the interpreter remembers since, and that a child has ended; then that nobody asks again. */
const REMEMBERED = `
import codecs, encodings, os, platform, signal, sys
signal.signal(signal.SIGCHLD, lambda *_: print("a child has ended"))
for statement in sys.argv[1:]:
    exec(statement)
    print(statement, sorted(encodings._cache), "encodings.cp1252" in sys.modules)
print(platform._uname_cache and vars(platform._uname_cache).keys())
print(codecs.lookup("windows_1252") is codecs.lookup("Windows-1252"))
`
/** As asgiref's before 3.7 are. */
const LOCAL = `
import random, string, threading, weakref
class Local:
    def __init__(self, thread_critical=False):
        self._thread_critical = thread_critical
        self._thread_lock = threading.RLock()
        self._context_refs = weakref.WeakSet()
        self._attr_name = "_asgiref_local_impl_{}_{}".format(
            id(self),
            "".join(random.choice(string.ascii_letters) for i in range(8)),
        )
    @staticmethod
    def _get_context_id(): return threading.current_thread()
    def use(self):
        setattr(self._get_context_id(), self._attr_name, {})
        self._context_refs.add(threading.current_thread())
`
const HELD = 'from asgiref.local import Local\n'
const WITH_LOCALS: Record<string, string> = {
  one: `${HELD}class Kept:\n    def __init__(self): self.inner = Local(True)\nALL = [Local(), Kept().inner]`,
  other: `${HELD}import one, string\nALL = [Local() for i in range(3)]`,
}
const NOT_ALONE: Record<string, string> = {
  draws_besides: `${HELD}import random\nALL = [Local()]; NUMBER = random.random() > 2`,
  gone: `${HELD}Local(); ALL = [Local()]`,
  used: `${HELD}ALL = [Local()]; ALL[0].use()`,
}
const NAMES_OF_LOCALS = `
import random, sys
if sys.argv[1] != "none": random.seed(int(sys.argv[1]))
for name in sys.argv[2:]: __import__(name)
names = [one._attr_name.rsplit("_", 2) for name in sys.argv[2:] for one in sys.modules[name].ALL]
own = [int(number) == id(one) for name in sys.argv[2:] for one in sys.modules[name].ALL for number in [one._attr_name.split("_")[-2]]]
print([letters for _, _, letters in names] + [random.random()] if sys.argv[1] != "none" else len(set(map(str, names))), own)
if sys.argv[1] == "none": print(*[letters for _, _, letters in names], file=open(sys.argv[0] + ".names", "a"))
`

for (const python of pythons) {
  testInTurn(`${python.version}: names that asgiref draws are drawn in each process`, async (t) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    bench.file(`${bench.inSite}/asgiref/__init__.py`, '')
    bench.file(`${bench.inSite}/asgiref/local.py`, LOCAL)
    for (const [name, text] of Object.entries({ ...WITH_LOCALS, ...NOT_ALONE }))
      bench.file(`${bench.inSite}/${name}.py`, `${text}\n`)
    const names = Object.keys(WITH_LOCALS)
    const { leftOut } = await bench.freezeWarm(['random', ...names, ...Object.keys(NOT_ALONE)], ENV)
    t.deepEqual(
      leftOut.map(({ name, reason }) => [name, reason]),
      Object.keys(NOT_ALONE).map((name) => [name, 'ENTROPY']),
    )
    const script = bench.file('app/names.py', NAMES_OF_LOCALS)
    for (const seed of ['7', '8', 'none', 'none'])
      for (const wanted of [names, names.toReversed()]) {
        const { not } = await bench.assertSame(t, seed, [script, seed, ...wanted], { env: ENV })
        t.deepEqual(not, [])
      }
    const lines = readFileSync(`${script}.names`, 'utf8').trim().split('\n')
    t.is(new Set(lines.flatMap((line) => line.split(' '))).size, 5 * lines.length)
    const replaced =
      'import random; random.choice = lambda letters: "x"; import one; print(one.ALL[0]._attr_name[-8:])'
    t.true((await bench.assertSame(t, 'replaced', ['-c', replaced], { env: ENV })).not.includes('one'))
  })
}

const FINALIZED: Record<string, string> = {
  ends: 'import weakref\nclass Kept: pass\nKEPT = Kept(); END = weakref.finalize(KEPT, print, "end")',
  ends_too:
    'import ends, weakref\nweakref.finalize(ends.KEPT, print, "too")\nKEPT = ends.Kept(); weakref.finalize(KEPT, print, "kept")',
  ends_alone:
    'import weakref\nclass Kept: pass\nKEPT = Kept(); weakref.finalize(KEPT, print, "alone").atexit = False',
}
const UNFINALIZED: Record<string, string> = { detaches: 'import ends; ends.END.detach()' }
const FINALIZES = `
import atexit, sys
atexit.register(print, "registered before")
for name in sys.argv[1:]:
    __import__(name)
    import weakref
    of = weakref.finalize
    print(name, [(info.func, info.args, info.atexit, info.index, one.alive) for one, info in of._registry.items()])
    print(of._dirty, of._registered_with_atexit, list(sys.modules)[-3:])
atexit.register(print, "registered behind")
if "ends_too" in sys.modules: sys.modules["ends_too"].KEPT = None
`

for (const python of pythons) {
  testInTurn(`${python.version}: finalizers are those of the process`, async (t) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    for (const [name, text] of Object.entries({ ...FINALIZED, ...UNFINALIZED }))
      bench.file(`${bench.inSite}/${name}.py`, `${text}\n`)
    const names = Object.keys(FINALIZED)
    const { leftOut } = await bench.freezeWarm([...names, ...Object.keys(UNFINALIZED)], ENV)
    t.deepEqual(
      leftOut.map(({ name, reason }) => [name, reason]),
      [['detaches', 'CHANGED']],
    )
    const script = bench.file('app/finalizes.py', FINALIZES)
    for (const wanted of [names, names.toReversed(), ['ends_alone'], ['ends_too']]) {
      const { ready, not } = await bench.assertSame(t, wanted.join(), [script, ...wanted], { env: ENV })
      t.true(ready.includes(wanted[0] ?? ''))
      t.deepEqual(not, [])
    }
    const patched = 'import weakref; weakref.finalize._exitfunc = print; import ends'
    const { not } = await bench.assertSame(t, 'patched', ['-c', patched], { env: ENV })
    t.true(not.includes('ends'))
  })
}

const IMPORTS = ['encodes', 'encodes_too', 'asks_processor', 'asks_processor_too'].map(
  (name) => `import ${name}`,
)
/** What a program does before, by the module that is then imported as ever. */
const BEFORE: Record<string, string> = {
  encodes: 'encodings._cache["cp1252"] = codecs.lookup("utf-8")',
  encodes_too: 'codecs.unregister(encodings.search_function); codecs.register(encodings.search_function)',
}

async function assertRemembered(t: ExecutionContext, bench: WarmBench): Promise<void> {
  const script = bench.file('app/remembered.py', REMEMBERED)
  for (const statements of [IMPORTS, IMPORTS.toReversed(), ['codecs.lookup("cp1252")', ...IMPORTS]]) {
    const { not } = await bench.assertSame(t, statements.join(), [script, ...statements], { env: ENV })
    t.deepEqual(not, [], statements.join())
  }
  for (const [name, statement] of Object.entries(BEFORE)) {
    const args = [script, statement, `import ${name}`]
    const { not } = await bench.assertSame(t, statement, args, { env: ENV })
    t.deepEqual(not, [name])
  }
}

for (const python of pythons) {
  testInTurn(
    `${python.version}: an import of which nothing is left is none that changes something`,
    async (t) => {
      const bench = new WarmBench(t, python)
      await bench.train()
      const named = Object.keys(NAMED).map((file) => file.replace(/\.py$/, '').replaceAll('/', '.'))
      const texts = Object.entries(HARMFUL).map(([name, [text]]) => [name, text] as const)
      for (const [name, text] of [...Object.entries(HARMLESS), ...texts])
        bench.file(`${bench.inSite}/${name}.py`, `${text}\n`)
      for (const name of ['numpy', 'numpy/f2py', 'numpy/testing', 'numpy/testing/_private', 'joblib'])
        bench.file(`${bench.inSite}/${name}/__init__.py`, '')
      bench.file(
        `${bench.inSite}/psutil/__init__.py`,
        [
          'PROCFS_PATH = "/proc"',
          'from . import _pslinux as _psplatform',
          '_last_cpu_times = _last_cpu_times_2 = _psplatform.cpu_times()',
          '_last_per_cpu_times = _last_per_cpu_times_2 = _psplatform.per_cpu_times()',
        ].join('\n'),
      )
      for (const [name, text] of Object.entries(NAMED)) bench.file(`${bench.inSite}/${name}`, text)
      const names = [...OBSERVED, ...Object.keys(HARMLESS), ...Object.keys(HARMFUL), ...named]
      const { leftOut } = await bench.freezeWarm(names, ENV)
      t.deepEqual(
        leftOut.map(({ name, reason }) => [name, reason]),
        Object.entries(HARMFUL).map(([name, [, reason]]) => [name, reason]),
      )
      const script = bench.file('app/observe.py', OBSERVE)
      for (const name of Object.keys(HARMLESS).filter((one) => one !== 'reads_after')) {
        const { ready } = await bench.assertSame(t, name, [script, name], { env: ENV })
        t.true(ready.includes(name), name)
      }
      await assertRemembered(t, bench)
      t.true(
        (await bench.assertSame(t, 'reads', [script, 'reads_after'], { env: ENV })).not.includes(
          'reads_after',
        ),
      )
      const set = await bench.assertSame(t, 'set', [script, 'puts_in'], { env: { ...ENV, PUT_IN: '2' } })
      t.true(set.not.includes('puts_in'))
      const orders: [text: string, not: string[]][] = [
        ['import puts_in, reads_after, writes_after', []],
        ['import writes_after, reads_after', []],
        ['import reads_after, puts_in', ['reads_after']],
        ['import puts_in, os; os.environ["PUT_IN"] = "3"; import reads_after', ['reads_after']],
        ['import os; os.environ["PUT_IN"] = "1"; import reads_after', []],
      ]
      for (const [text, expected] of orders) {
        const args = ['-c', `${text}; import os; print(reads_after.VALUE, list(os.environ.items()))`]
        const { not } = await bench.assertSame(t, text, args, { env: ENV })
        t.deepEqual(not, expected, text)
      }
      const show =
        '; os.system("env | grep -E \'PUT_IN|FIRST|SECOND|TAKEN\' | grep -v SHOW"); print(list(os.environ.items()))'
      const ofC: [text: string, not: string[]][] = [
        ['import os', []],
        ['import os, puts_in_c', []],
        ['import os, puts_in_both, puts_in, puts_in_c, takes_out_of_c', []],
        ['import os; os.environ["PUT_IN_C"] = "0"; import puts_in_c', ['puts_in_c']],
        ['import os; os.putenv("PUT_IN_C", "0"); import puts_in_c', ['puts_in_c']],
        ['import os; os.unsetenv("PUT_IN_C"); import puts_in_c', []],
        ['import os; os.environ["SECOND"] = "0"; import puts_in_both', ['puts_in_both']],
        ['import os, puts_in_c; os.environ["PUT_IN_C"] = "2"; del os.environ["PUT_IN_C"]', []],
      ]
      for (const [text, expected] of ofC) {
        const { not } = await bench.assertSame(t, text, ['-c', `${text}${show}`], { env: ENV })
        t.deepEqual(not, expected, text)
      }
      const program = (name: string) => ['-c', `import ${name} as one; print(one.is_own())`]
      for (const name of named) {
        const { ready, not } = await bench.assertSame(t, name, program(name), { env: ENV })
        t.true(ready.length > 0, name)
        t.deepEqual(not, [], name)
      }
      if (notRoot !== undefined) return
      const other = ['unshare', '-m', 'sh', '-c', 'mount --bind /etc/passwd /dev/null; exec "$@"', 'sh']
      const elsewhere = await bench.assertSame(t, 'no device', [script, 'discards'], {
        env: ENV,
        through: other,
      })
      t.true(elsewhere.not.includes('discards'))
      const psutil = program('psutil._pslinux')
      for (const text of ['cpu 1 2 3 4 5 6 7 8\n', '']) {
        const stat = bench.file('stat', text)
        const hidden = ['unshare', '-m', 'sh', '-c', `mount --bind ${stat} /proc/stat; exec "$@"`, 'sh']
        const { not } = await bench.assertSame(t, `stat: ${text}`, psutil, { env: ENV, through: hidden })
        t.deepEqual(not, ['psutil._pslinux'])
      }
      const without = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs -o ro none /dev/shm; exec "$@"', 'sh']
      const joblib = 'joblib._multiprocessing_helpers'
      const none = await bench.assertSame(t, 'no semaphores', program(joblib), { env: ENV, through: without })
      t.true(none.not.includes(joblib))
    },
  )
}

/** A package that puts an object of its own into `sys.modules`, to which its modules and others add. */
const WITH_OBJECT: Record<string, string> = {
  'holder/__init__': [
    'import sys, types',
    'class Names(types.ModuleType):',
    ' def __init__(self): super().__init__("holder.names"); self.order, self.table = [], {}',
    'names = sys.modules.setdefault("holder.names", Names())',
    'import holder.first',
  ].join('\n'),
  'holder/first': 'import holder\nholder.names.order.append("first")\nholder.names.one = 1\n',
  'holder/second': 'import holder\nholder.names.order.append("second")\nholder.names.table["second"] = 2\n',
  adds_name: 'import holder\nholder.names.order.append("added")\n',
  adds_attribute: 'import holder\nholder.names.added = 3\n',
  has_it:
    'from sys import modules\nNAMES = modules.get("holder.names")\nNAMES is None or NAMES.order.append("has")\n',
}
const SHOW_NAMES = 'print(holder.names.order, holder.names.table, list(vars(holder.names)))'

for (const python of pythons) {
  testInTurn(`${python.version}: what is added to an object in sys.modules is added then`, async (t) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    for (const [name, text] of Object.entries(WITH_OBJECT))
      bench.file(`${bench.inSite}/${name}.py`, `${text}\n`)
    const names = Object.keys(WITH_OBJECT).map((name) => name.replace('/__init__', '').replace('/', '.'))
    const { leftOut } = await bench.freezeWarm(names, ENV)
    const left = leftOut.map(({ name }) => name)
    // It may be there without the other.
    t.deepEqual(
      leftOut.map(({ name, reason }) => [name, reason]),
      [
        ['adds_attribute', 'CHANGED'],
        ['has_it', 'CHANGED'],
      ],
    )
    for (const program of [
      'import holder',
      'import adds_name, holder',
      'import holder.second, adds_name',
      'import holder\nholder.names.order.append("own")\nimport adds_name, holder.second, has_it, adds_attribute',
    ]) {
      const script = bench.file('app/names.py', `${program}\n${SHOW_NAMES}\n`)
      const { ready } = await bench.assertSame(t, program, [script], { env: ENV })
      const words = program.split(/[\s,]+/).filter((word) => names.includes(word) && !left.includes(word))
      t.deepEqual(
        [...new Set([...ready, 'holder'])].sort(),
        [...new Set([...words, 'holder'])].sort(),
        program,
      )
    }
    // Whoever has put something there under its name before has not done this.
    const taken = `import sys, types\nsys.modules["holder.names"] = types.ModuleType("other")\ntry: import adds_name\nexcept AttributeError as error: print(error)`
    const { ready } = await bench.assertSame(t, taken, ['-c', taken], { env: ENV })
    t.deepEqual(
      ready.filter((name) => names.includes(name)),
      [],
    )
  })
}

/** As the documentation of multiprocessing has it. */
const KEEPS_KEY = [
  'import multiprocessing.process as process',
  'KEY = process.current_process().authkey',
  'CONFIGURATION = dict(process.current_process()._config)',
].join('\n')
const USES_KEY = [
  'import keeps_key, multiprocessing as mp',
  'from multiprocessing.connection import Client, Listener',
  'key = mp.current_process().authkey',
  'print(keeps_key.KEY is key, keeps_key.CONFIGURATION["authkey"] is key, type(key).__name__, len(key), hash(key) == hash(bytes(key)))',
  'def answer(address):',
  '    with Client(address, authkey=mp.current_process().authkey) as client: client.send("hello")',
  'if __name__ == "__main__":',
  '    with Listener(None, authkey=keeps_key.KEY) as listener:',
  '        worker = mp.get_context("fork").Process(target=answer, args=(listener.address,)); worker.start()',
  '        with listener.accept() as one: print(one.recv())',
  '        worker.join()',
].join('\n')

for (const python of pythons) {
  testInTurn(
    `${python.version}: the key that a process gives its workers is one, whoever keeps it`,
    async (t) => {
      const bench = new WarmBench(t, python)
      await bench.train()
      bench.file(`${bench.inSite}/keeps_key.py`, `${KEEPS_KEY}\n`)
      const { leftOut } = await bench.freezeWarm(['keeps_key'])
      t.deepEqual(leftOut, [])
      const { ready } = await bench.assertSame(t, 'workers', [bench.file('app/keys.py', `${USES_KEY}\n`)])
      t.true(ready.includes('keeps_key'))
      const shows = ['-c', 'import keeps_key; print(bytes(keeps_key.KEY).hex())']
      const [one, other] = await Promise.all([bench.start(shows), bench.start(shows)])
      t.regex(one.stdout, /^[0-9a-f]{64}\n$/)
      t.not(one.stdout, other.stdout)
    },
  )
}
