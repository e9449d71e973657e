// SPDX-License-Identifier: Apache-2.0
// Which of CPython's test files are run.

/** Those that tell most of what an archive could change, in a few minutes. */
export const QUICK: readonly string[] = [
  ...['test_import', 'test_importlib', 'test_runpy', 'test_pkgutil', 'test_inspect', 'test_zipimport'],
  ...['test_re', 'test_dataclasses', 'test_collections', 'test_enum', 'test_typing', 'test_marshal'],
  ...['test_code', 'test_compile', 'test_dis', 'test_sys', 'test_sys_settrace', 'test_sys_setprofile'],
  ...['test_monitoring', 'test_gc', 'test_thread', 'test_fork1'],
  ...['test_site', 'test_audit', 'test_traceback', 'test_linecache', 'test_cmd_line', 'test_cmd_line_script'],
  ...['test_doctest', 'test_bdb', 'test_cprofile', 'test_profile', 'test_atexit', 'test_tracemalloc'],
]

/** Cases that are left out everywhere, as CPython's test runner takes them: they hang without an archive, too. */
export const IGNORED: readonly { pattern: string; reason: string }[] = [
  { pattern: '*VSOCK*', reason: 'wait for ever in a virtual machine whose host does not answer' },
]

/** Those that are left out where no file is named. */
export const NOT_RUN: readonly { name: string; reason: string }[] = [
  { name: 'test_tk', reason: 'needs a screen' },
  { name: 'test_ttk', reason: 'needs a screen' },
  { name: 'test_ttk_guionly', reason: 'needs a screen' },
  { name: 'test_tkinter', reason: 'needs a screen' },
  { name: 'test_idle', reason: 'needs a screen' },
  { name: 'test_turtle', reason: 'needs a screen' },
  { name: 'test_gdb', reason: 'is about a debugger of another program' },
  { name: 'test_tools', reason: 'needs a source tree' },
  { name: 'test_peg_generator', reason: 'needs a source tree' },
  { name: 'test_regrtest', reason: 'is about the test runner' },
]
