// Hashes what it is asked to (passwords-elsewhere.ts).
import { comparePassword, hashPassword } from '../../src/identity/passwords.ts'

const FUNCTIONS: Readonly<Record<string, (...args: never) => unknown>> = { comparePassword, hashPassword }

export default {
  async fetch(request: Request): Promise<Response> {
    const { name, args } = await request.json<{ readonly name: string; readonly args: never }>()
    return Response.json(FUNCTIONS[name]?.(...(args as readonly never[] as never)))
  },
} satisfies ExportedHandler
