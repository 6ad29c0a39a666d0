/** Text as Unicode has it. Pure. */

/**
 * The one form in which user names are kept and compared: without surrounding space, in lower case, in NFKC.
 * Of every name that PRECIS allows (RFC 8265, UsernameCaseMapped) it makes the same form as PRECIS does.
 */
export function normalizeUsername(username: string): string {
  // Lower case of some letters is a base letter with a mark, which may have a form of its own.
  return username.normalize('NFKC').trim().toLowerCase().normalize('NFKC')
}

/**
 * Under what a user of this name may be stored: its form, and the decomposed spelling that was kept as it came before
 * there was one form.
 */
export function usernameSpellings(username: string): readonly [string, ...string[]] {
  const form = normalizeUsername(username)
  const decomposed = form.normalize('NFD')
  return decomposed === form ? [form] : [form, decomposed]
}

/** The first `most` UTF-16 code units of a text; one less rather than half a character. */
export function cutText(text: string, most: number): string {
  const cut = text.slice(0, most)
  return cut.isWellFormed() || !text.isWellFormed() ? cut : cut.slice(0, -1)
}

/** Where a JSON value has a text, or a name, with half a character (a lone surrogate). Null: nowhere. */
export function findIllFormedText(value: unknown): readonly string[] | null {
  // Not by recursion: a body may be as deep as it is long.
  const left: { readonly value: unknown; readonly path: Path | null }[] = [{ value, path: null }]
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    if (typeof one.value === 'string' && !one.value.isWellFormed()) return namesOf(one.path)
    if (typeof one.value !== 'object' || one.value === null) continue
    for (const [name, inner] of Object.entries(one.value)) {
      if (!name.isWellFormed()) return namesOf(one.path)
      left.push({ value: inner, path: { name, within: one.path } })
    }
  }
  return null
}

interface Path {
  readonly name: string
  readonly within: Path | null
}

function namesOf(path: Path | null): string[] {
  const names: string[] = []
  for (let at = path; at !== null; at = at.within) names.unshift(at.name)
  return names
}
