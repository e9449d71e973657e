// SPDX-License-Identifier: Apache-2.0
// Reads imports with the TypeScript API. What the rules are is not known here.
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'

/** One import, export-from, `import()`, `require()` or `import('x').T` of a source file. */
export interface Import {
  from: string
  line: number
  /** As written: `./x.js`, `node:fs`, `dockerode`. */
  specifier: string
  /** The source file it names, when it is relative. */
  target?: string
  /** Erased by the compiler, so nothing is loaded at run time. */
  typeOnly: boolean
}

/** Reads all files below `folder` whose name ends in one of `extensions`, by path relative to `root`. */
export function readSources(
  root: string,
  folder: string,
  extensions: readonly string[],
): Map<string, string> {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  const paths = names
    .map((name) => posix.join(folder, name))
    .filter((path) => extensions.some((extension) => path.endsWith(extension)))
    .sort()
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]))
}

/** Finds every import of the given TypeScript sources. A specifier that is no literal is given as `(computed)`. */
export function findImports(sources: ReadonlyMap<string, string>): Import[] {
  return [...sources].flatMap(([from, text]) => {
    const file = ts.createSourceFile(from, text, ts.ScriptTarget.Latest, true)
    const found: Import[] = []
    const add = (node: ts.Node, specifier: ts.Node | undefined, typeOnly: boolean) => {
      const name = specifier && ts.isStringLiteralLike(specifier) ? specifier.text : '(computed)'
      const target = name.startsWith('.') ? resolve(from, name) : undefined
      const line = file.getLineAndCharacterOfPosition(node.getStart()).line + 1
      found.push({ from, line, specifier: name, typeOnly, ...(target !== undefined && { target }) })
    }
    const visit = (node: ts.Node): void => {
      if (ts.isImportDeclaration(node)) {
        // `import { type A }` still loads the module under verbatimModuleSyntax; `import type` does not.
        add(node, node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
      } else if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
        add(node, node.moduleSpecifier, node.isTypeOnly)
      } else if (ts.isImportTypeNode(node)) {
        add(node, ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true)
      } else if (ts.isCallExpression(node) && isLoad(node.expression)) {
        add(node, node.arguments[0], false)
      }
      ts.forEachChild(node, visit)
    }
    visit(file)
    return found
  })
}

/** Finds the shortest chain of imports that ends at `target`, starting at a file that nothing imports. */
export function chainTo(target: string, imports: readonly Import[]): string[] {
  const chain = [target]
  const queue = [chain]
  const seen = new Set(chain)
  let longest = chain
  for (let current = queue.shift(); current !== undefined; current = queue.shift()) {
    longest = current
    const importers = imports.filter((one) => one.target === current?.[0]).map((one) => one.from)
    if (importers.length === 0) return current
    for (const importer of importers) {
      if (seen.has(importer)) continue
      seen.add(importer)
      queue.push([importer, ...current])
    }
  }
  return longest
}

/** Finds the cycles of a graph, each once, as the nodes on its way from the smallest name back to itself. */
export function findCycles(edges: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const cycles = new Map<string, string[]>()
  const finished = new Set<string>()
  const walk = (node: string, path: readonly string[]): void => {
    const start = path.indexOf(node)
    if (start !== -1) {
      const cycle = path.slice(start)
      const first = cycle.indexOf([...cycle].sort()[0] ?? node)
      const turned = [...cycle.slice(first), ...cycle.slice(0, first)]
      cycles.set(turned.join(), [...turned, turned[0] ?? node])
      return
    }
    if (finished.has(node)) return
    for (const next of edges.get(node) ?? []) walk(next, [...path, node])
    finished.add(node)
  }
  for (const node of [...edges.keys()].sort()) walk(node, [])
  return [...cycles.values()]
}

function isLoad(callee: ts.Expression): boolean {
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
}

function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts')
}
