/** Reads from one TypeScript file what the architecture is judged by: its imports, and the names it uses. */
import ts from 'typescript'

export interface Import {
  /** As written: `node:fs`, `bl`, `../limits.js`. Undefined when it is computed, so that nobody can tell. */
  readonly specifier: string | undefined
  readonly kind: 'static' | 'type' | 'dynamic'
  readonly line: number
}

export interface Use {
  /** `process`, `Date.now`, `new Date()`. */
  readonly name: string
  readonly line: number
}

export interface SourceFacts {
  readonly imports: readonly Import[]
  readonly uses: readonly Use[]
  /** Lines with an `await` outside every function. */
  readonly topLevelAwaits: readonly number[]
}

/** Names whose uses are recorded; members as `Date.now`. */
const NAMES: ReadonlySet<string> = new Set(
  (
    'process performance setTimeout setInterval setImmediate queueMicrotask console fetch globalThis ' +
    'randomBytes randomInt randomUUID randomFill randomFillSync'
  ).split(' ')
)
const MEMBERS: ReadonlySet<string> = new Set(['Date.now', 'Math.random'])

/** Parses `text`; `path` is for its extension only. */
export function readSource(path: string, text: string): SourceFacts {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const imports: Import[] = []
  const uses: Use[] = []
  const topLevelAwaits: number[] = []
  const lineOf = (node: ts.Node): number => file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1

  const visit = (node: ts.Node, inFunction: boolean): void => {
    const found = importOf(node)
    if (found) imports.push({ ...found, line: lineOf(node) })
    const name = nameUsed(node)
    if (name) uses.push({ name, line: lineOf(node) })
    if (!inFunction && isAwait(node)) topLevelAwaits.push(lineOf(node))
    const inside = inFunction || ts.isFunctionLike(node)
    ts.forEachChild(node, child => {
      visit(child, inside)
    })
  }
  visit(file, false)
  return { imports, uses, topLevelAwaits }
}

function importOf(node: ts.Node): Omit<Import, 'line'> | undefined {
  if (ts.isImportDeclaration(node)) {
    const isType = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
    return { specifier: textOf(node.moduleSpecifier), kind: isType ? 'type' : 'static' }
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
    return { specifier: textOf(node.moduleSpecifier), kind: node.isTypeOnly ? 'type' : 'static' }
  }
  if (ts.isImportTypeNode(node)) {
    return { specifier: ts.isLiteralTypeNode(node.argument) ? textOf(node.argument.literal) : undefined, kind: 'type' }
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return { specifier: textOf(node.arguments[0]), kind: 'dynamic' }
  }
  return workerScriptOf(node)
}

/** `new URL('./hash-worker.js', import.meta.url)` runs that file too. */
function workerScriptOf(node: ts.Node): Omit<Import, 'line'> | undefined {
  if (!ts.isNewExpression(node) || node.expression.getText() !== 'URL') return undefined
  const specifier = textOf(node.arguments?.[0])
  return specifier && /^\.\.?\/.*\.js$/.test(specifier) ? { specifier, kind: 'dynamic' } : undefined
}

function textOf(node: ts.Node | undefined): string | undefined {
  return node && ts.isStringLiteralLike(node) ? node.text : undefined
}

function nameUsed(node: ts.Node): string | undefined {
  if (ts.isIdentifier(node)) return NAMES.has(node.text) && !isOnlyALabel(node) ? node.text : undefined
  if (ts.isPropertyAccessExpression(node)) {
    const member = `${node.expression.getText()}.${node.name.text}`
    return MEMBERS.has(member) || (node.expression.getText() === 'crypto' && NAMES.has(node.name.text))
      ? member
      : undefined
  }
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length) return 'new Date()'
  return undefined
}

/** A member's name (`x.process`, `{ process: 1 }`, a method `process()`) is not the global. */
function isOnlyALabel(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent) || ts.isQualifiedName(parent)) {
    return (ts.isPropertyAccessExpression(parent) ? parent.name : parent.right) === node
  }
  const isMember =
    ts.isPropertyAssignment(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isPropertySignature(parent)
  return isMember && parent.name === node
}

function isAwait(node: ts.Node): boolean {
  return (
    ts.isAwaitExpression(node) ||
    (ts.isForOfStatement(node) && node.awaitModifier !== undefined) ||
    (ts.isVariableDeclarationList(node) && /^await\b/.test(node.getText()))
  )
}
