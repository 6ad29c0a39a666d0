/** Wiring: the services of an isolate, built once from its bindings. */

import journal from '../migrations/meta/_journal.json'
import type { Health, Services } from './api/context.ts'
import { cookieWarnings } from './auth/cookie-warnings.ts'
import { DeviceCookies } from './auth/device-cookies.ts'
import { Sealing } from './auth/sealing.ts'
import { SessionTokens } from './auth/session-tokens.ts'
import { countersOf } from './counters.ts'
import type { Env } from './env.ts'
import { ApplicationServer } from './identity/application-server.ts'
import { LogoutTokens } from './identity/logout-tokens.ts'
import { OpenId } from './identity/openid.ts'
import { OpenIdConfigurations } from './identity/openid-configurations.ts'
import { PasswordHashers } from './identity/password-hashers.ts'
import { Profiles } from './identity/profiles.ts'
import { ProviderKeys } from './identity/provider-keys.ts'
import { objectsIn } from './jurisdiction.ts'
import { JurisdictionGuard } from './jurisdiction-guard.ts'
import { FIGURES_MILLISECONDS, HEALTH_MILLISECONDS } from './limits.ts'
import { log } from './log.ts'
import { ApiSessions } from './sessions/api-sessions.ts'
import { ConsoleSessions } from './sessions/console-sessions.ts'
import { Sessions } from './sessions/service.ts'
import type { Settings } from './settings.ts'
import { openDatabase } from './store/database.ts'
import { readFigures } from './store/figures.ts'
import { missingMigrations } from './store/migrations.ts'
import { within } from './time-limit.ts'

/** The migrations that this version's statements need, by file name. */
const MIGRATIONS = journal.entries.map(({ tag }) => `${tag}.sql`)

const built = new WeakMap<Env, Services>()

/** The services of this isolate. */
export function servicesOf(env: Env, settings: Settings): Services {
  let services = built.get(env)
  if (services === undefined) {
    services = build(env, settings)
    built.set(env, services)
  }
  return services
}

function build(env: Env, settings: Settings): Services {
  for (const warning of cookieWarnings(settings)) log('deployment.setting_ignored', { warning })
  const db = openDatabase(env.DB)
  const tokens = new SessionTokens(settings.sessionTokenKeys)
  const counters = countersOf(env.COUNTERS)
  const { jurisdiction } = settings
  const users = objectsIn(env.USERS, jurisdiction)
  const jobs = objectsIn(env.JOBS, jurisdiction)
  const sessions = new Sessions({ db, config: env.CONFIG, users, jobs, tokens, counters })
  const sealing = new Sealing(settings.sealingKeys)
  const openIdConfigurations = new OpenIdConfigurations(sealing)
  return {
    settings,
    db,
    tokens,
    sessions,
    apiSessions: new ApiSessions(db, sessions, users),
    consoleSessions: new ConsoleSessions(db, sessions),
    sealing,
    profiles: new Profiles(objectsIn(env.PROFILES, jurisdiction)),
    hashers: new PasswordHashers(objectsIn(env.HASHERS, jurisdiction), settings.passwordHashCost),
    devices: new DeviceCookies(settings.sessionTokenKeys),
    applicationServer: new ApplicationServer(
      objectsIn(env.APPLICATION_SERVER_CALLS, jurisdiction),
      settings.applicationServer,
    ),
    openId: new OpenId(db, openIdConfigurations),
    logoutTokens: new LogoutTokens(db, new ProviderKeys(openIdConfigurations)),
    jobs,
    endpoints: objectsIn(env.ENDPOINTS, jurisdiction),
    jurisdiction: new JurisdictionGuard(db, jurisdiction),
    signInGate: env.SIGN_IN_GATE,
    accessKeyGate: env.ACCESS_KEY_GATE,
    logoutGate: env.LOGOUT_GATE,
    missingMigrations: () => missingMigrations(db, MIGRATIONS),
    health: rememberingFor(HEALTH_MILLISECONDS, () => health(env, db, jobs)),
    figures: rememberingFor(FIGURES_MILLISECONDS, (now) => readFigures(db, now)),
    counters,
  }
}

/** Remembers an answer for a while, so that frequent questions do not each put work on every binding. */
function rememberingFor<T>(milliseconds: number, ask: (now: number) => Promise<T>): (now: number) => Promise<T> {
  let known: { readonly value: T; readonly at: number } | undefined
  return async (now) => {
    if (known === undefined || now < known.at || now - known.at >= milliseconds)
      known = { value: await ask(now), at: now }
    return known.value
  }
}

async function health(env: Env, db: Services['db'], jobs: Services['jobs']): Promise<Health> {
  const [missing, kv, objects] = await Promise.all([
    missingMigrations(db, MIGRATIONS),
    within(2_000, 'KV', () => env.CONFIG.get('health')),
    within(2_000, 'objects', async () => jobs.get(jobs.idFromName('health')).list()),
  ])
  return {
    bindings: { d1: missing.ok, kv: kv.ok, objects: objects.ok },
    missingMigrations: missing.ok ? missing.value : [],
    ...(env.VERSION && { version: env.VERSION.id }),
  }
}
