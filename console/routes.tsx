/** Which address shows which screen. The store is the outermost part of every address. */
import type { ComponentType } from 'react'
import { Redirect, Route, Switch } from 'wouter'
import { Screen } from './common/screen.tsx'
import { Audit } from './screens/audit.tsx'
import { Credentials } from './screens/credentials.tsx'
import { EndedSessions } from './screens/ended-sessions.tsx'
import { EventEndpointScreen } from './screens/event-endpoint.tsx'
import { EventEndpoints } from './screens/event-endpoints.tsx'
import { Events } from './screens/events.tsx'
import { Jobs } from './screens/jobs.tsx'
import { LiveSessions } from './screens/live-sessions.tsx'
import { Lockouts } from './screens/lockouts.tsx'
import { SessionMap } from './screens/map.tsx'
import { Operators } from './screens/operators.tsx'
import { Overview } from './screens/overview.tsx'
import { Session } from './screens/session.tsx'
import { SessionConfig } from './screens/session-config.tsx'
import { Stores } from './screens/stores.tsx'
import { User } from './screens/user.tsx'
import { Users } from './screens/users.tsx'
import { Empty } from './ui.ts'

/** Below `/stores/{identity_store_id}/`. */
const OF_A_STORE: Readonly<Record<string, ComponentType>> = {
  overview: Overview,
  sessions: LiveSessions,
  'sessions/:session': Session,
  ended: EndedSessions,
  users: Users,
  'users/:user': User,
  'session-config': SessionConfig,
  map: SessionMap,
  lockouts: Lockouts,
  jobs: Jobs,
  audit: Audit,
  credentials: Credentials,
  events: Events,
  endpoints: EventEndpoints,
  'endpoints/:endpoint': EventEndpointScreen,
}

export function Screens() {
  return (
    <Switch>
      <Route path="/">
        <Redirect to="/stores" replace />
      </Route>
      <Route path="/stores" component={Stores} />
      <Route path="/operators" component={Operators} />
      {Object.entries(OF_A_STORE).map(([path, Shown]) => (
        <Route key={path} path={`/stores/:store/${path}`}>
          {/* Another store or user is another screen: nothing of the one before stays selected. */}
          {(parameters) => <Shown key={Object.values(parameters).join('/')} />}
        </Route>
      ))}
      <Route>
        <Screen title="There is no such screen">
          <Empty
            title="Nothing is at this address"
            description="The link may be of an older version, or cut off. The screens are beside it; Ctrl+K or ⌘K finds the rest."
          />
        </Screen>
      </Route>
    </Switch>
  )
}
