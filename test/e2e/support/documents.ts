/** What the documents tell their readers to type. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A fenced block, or a command inside a line. */
export interface Piece {
  /** Path in the project, such as `docs/slack.md`. */
  readonly file: string
  readonly line: number
  /** Of the fence; `inline` for a command in a line; empty where none is said. */
  readonly language: string
  readonly text: string
}

const COMMAND = /`((?:npm|npx|node|curl|wrangler) [^`]+)`/g

/** The pages of the root but for the changelog, those of docs/, the client's, and the examples' READMEs. */
export function documents(root: string): string[] {
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
  const examples = readdirSync(join(root, 'examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const first = readdirSync(root).filter((name) => name.endsWith('.md') && name !== 'CHANGELOG.md')
  return [
    ...first,
    'packages/client/README.md',
    ...pages.map((name) => `docs/${name}`),
    ...examples.map(({ name }) => `examples/${name}/README.md`),
  ]
}

/** The pieces of a document, in order. */
export function piecesOf(root: string, file: string): Piece[] {
  const pieces: Piece[] = []
  let open: { language: string; line: number; text: string[] } | null = null
  for (const [index, line] of readFileSync(join(root, file), 'utf8').split('\n').entries()) {
    const fence = /^\s*```(\S*)/.exec(line)
    if (open !== null && fence === null) open.text.push(line)
    else if (open !== null) {
      pieces.push({ file, line: open.line, language: open.language, text: `${open.text.join('\n')}\n` })
      open = null
    } else if (fence !== null) open = { language: fence[1] ?? '', line: index + 1, text: [] }
    else {
      for (const [, text = ''] of line.matchAll(COMMAND)) {
        pieces.push({ file, line: index + 1, language: 'inline', text })
      }
    }
  }
  return pieces
}

/** A transcript's commands, which begin with `$`, and what each of them prints. */
export function examplesIn(transcript: string): { readonly command: string; readonly output: string }[] {
  return transcript
    .split(/^\$ /m)
    .slice(1)
    .map((example) => {
      const end = example.indexOf('\n')
      return { command: example.slice(0, end), output: example.slice(end + 1).trim() }
    })
}
