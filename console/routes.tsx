/** Which address shows which screen. The store is the outermost part of every address. */
import { Redirect, Route, Switch } from 'wouter'
import { Stores } from './screens/stores.tsx'
import type { Me } from './session.ts'
import { Empty } from './ui.ts'

export function Screens(_: { readonly me: Me }) {
  return (
    <Switch>
      <Route path="/">
        <Redirect to="/stores" replace />
      </Route>
      <Route path="/stores">
        <Stores />
      </Route>
      <Route>
        <Empty title="There is no such screen" description="The link may be of an older version." />
      </Route>
    </Switch>
  )
}
