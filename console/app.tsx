/** The console: who is signed in sees the screens, everybody else the form. */
import { useQuery } from '@tanstack/react-query'
import { Failure } from './common/failure.tsx'
import { Refusal } from './http.ts'
import { Screens } from './routes.tsx'
import { whoAmI } from './session.ts'
import { Frame } from './shell/frame.tsx'
import { SignIn } from './shell/sign-in.tsx'
import { Loader } from './ui.ts'

export function App() {
  const me = useQuery(whoAmI)
  if (me.error instanceof Refusal && me.error.status === 401) return <SignIn />
  if (me.data !== undefined) {
    return (
      <Frame me={me.data}>
        <Screens />
      </Frame>
    )
  }
  return (
    <main className="alone">
      {me.error === null ? <Loader /> : <Failure error={me.error} retry={() => void me.refetch()} />}
    </main>
  )
}
