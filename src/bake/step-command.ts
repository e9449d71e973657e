// SPDX-License-Identifier: Apache-2.0

/** Imports each name as `python -m` would find it; one that fails does not keep the others from being imported. */
const PROGRAM = `import sys
sys.path[0] = __import__("os").getcwd()
failed = 0
for name in sys.argv[1:]:
    try:
        __import__(name)
    except BaseException as error:
        failed = 1
        print("import %s: %s: %s" % (name, type(error).__name__, error), file=sys.stderr)
sys.exit(failed)
`

/** The command that imports modules and does nothing else. */
export function importCommand(python: string, modules: readonly string[]): string[] {
  return [python, '-c', PROGRAM, ...modules]
}
