// iron-session: the session is in the cookie, sealed; nobody can revoke it.
import { getIronSession } from 'iron-session'

export default {
  async fetch(request, env) {
    const response = new Response(null)
    const session = await getIronSession(request, response, { password: env.SECRET, cookieName: 'session' })
    if (new URL(request.url).pathname === '/sign-in') {
      session.userId = 'somebody'
      await session.save()
      return response
    }
    if (session.userId === undefined) return new Response(null, { status: 401 })
    return Response.json({ userId: session.userId })
  },
}
