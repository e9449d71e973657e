// SPDX-License-Identifier: Apache-2.0
// Which modules a snapshot is to import in advance: the libraries of a trace. The application's own stay with the archive,
// so that its configuration is never frozen, unless they are asked for.

/** What is known of a module of a trace. */
export interface Traced {
  name: string
  /** Absolute path of its source. */
  origin: string
}

export interface WarmRules {
  /** Directories of the standard library and of installed packages, absolute. */
  libraries: readonly string[]
  /** Globs of module names that are taken though they lie elsewhere: `*` stands for any characters, `?` for one. */
  include: readonly string[]
  /** Globs of module names that are left out, with all that imports them; they count more. */
  exclude: readonly string[]
}

/** The names to import, in the order of the trace. */
export function chooseWarmSet(modules: readonly Traced[], rules: WarmRules): string[] {
  const included = matcher(rules.include)
  const excluded = matcher(rules.exclude)
  const isLibrary = ({ origin }: Traced) =>
    rules.libraries.some((directory) =>
      origin.startsWith(directory.endsWith('/') ? directory : `${directory}/`),
    )
  const chosen = modules.filter(
    (module) =>
      module.name !== '__main__' && !excluded(module.name) && (isLibrary(module) || included(module.name)),
  )
  return [...new Set(chosen.map(({ name }) => name))]
}

/** Whether a name fits one of the globs. */
export function matcher(globs: readonly string[]): (name: string) => boolean {
  const patterns = globs.map(
    (glob) => new RegExp(`^${glob.replace(/[^*?]/g, escapeSign).replace(/[*?]/g, forSign)}$`, 's'),
  )
  return (name) => patterns.some((pattern) => pattern.test(name))
}

const escapeSign = (sign: string) => (/[\w-]/.test(sign) ? sign : `\\${sign}`)
const forSign = (sign: string) => (sign === '*' ? '.*' : '.')
