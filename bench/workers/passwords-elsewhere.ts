// Stands in for src/identity/passwords.ts: hands each password to another process (hashers.ts), since hashing stops every
// isolate of its own. In production the objects that hash are on machines of their own.
import { env } from 'cloudflare:workers'

export { isPasswordHash } from '../../src/identity/passwords.ts'

async function ask(name: string, args: readonly unknown[]) {
  const { HASHERS_URL: url } = env as unknown as { readonly HASHERS_URL: string }
  return (await fetch(url, { method: 'POST', body: JSON.stringify({ name, args }) })).json()
}

export const hashPassword = (...args: readonly unknown[]) => ask('hashPassword', args)
export const comparePassword = (...args: readonly unknown[]) => ask('comparePassword', args)
