// Hashes what it is asked to (passwords-elsewhere.ts).
import { comparePassword, hashPassword } from '../../src/identity/passwords.ts'

type Asked =
  | { readonly name: 'hashPassword'; readonly args: Parameters<typeof hashPassword> }
  | { readonly name: 'comparePassword'; readonly args: Parameters<typeof comparePassword> }

export default {
  async fetch(request: Request): Promise<Response> {
    const asked = await request.json<Asked>()
    return Response.json(asked.name === 'hashPassword' ? hashPassword(...asked.args) : comparePassword(...asked.args))
  },
} satisfies ExportedHandler
