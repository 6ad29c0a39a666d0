/** The form of who is not signed in. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useEffect, useState } from 'react'
import { Failure } from '../common/failure.tsx'
import { Refusal } from '../http.ts'
import { signInAsAdministrator, signInAsOperator, signInByCode, takeCode, whoAmI } from '../session.ts'
import { Button, Input, LayerCard, Loader, SensitiveInput, Tabs } from '../ui.ts'

type Way = 'operator' | 'administrator'

export function SignIn() {
  const queries = useQueryClient()
  const [way, setWay] = useState<Way>('operator')
  const signIn = useMutation({
    mutationFn: (form: FormData) =>
      way === 'operator'
        ? signInAsOperator(String(form.get('token')).trim())
        : signInAsAdministrator(String(form.get('username')), String(form.get('password'))),
    onSuccess: () => queries.invalidateQueries(whoAmI),
  })
  const byLink = useMutation({ mutationFn: signInByCode, onSuccess: () => queries.invalidateQueries(whoAmI) })
  const { mutate: follow } = byLink
  useEffect(() => {
    const code = takeCode()
    if (code !== null) follow(code)
  }, [follow])
  const spent = byLink.error instanceof Refusal && byLink.error.status === 401
  if (byLink.isPending || byLink.isSuccess) {
    return (
      <main className="alone">
        <Loader />
      </main>
    )
  }
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    signIn.mutate(new FormData(event.currentTarget))
  }
  return (
    <main className="alone">
      <h1>Latchkey console</h1>
      {spent ? (
        <p role="alert">The sign-in link was used already, or is too old. It works once, for five minutes.</p>
      ) : null}
      {byLink.error === null || spent ? null : <Failure error={byLink.error} />}
      <LayerCard className="card">
        <Tabs
          tabs={[
            { value: 'operator', label: 'Operator' },
            { value: 'administrator', label: 'Administrator of a store' },
          ]}
          value={way}
          onValueChange={(value) => setWay(value as Way)}
        />
        <form onSubmit={submit} className="stack">
          {way === 'operator' ? (
            <SensitiveInput name="token" label="Operator token" required autoFocus />
          ) : (
            <>
              <Input name="username" label="User name" autoComplete="username" required autoFocus />
              <Input name="password" type="password" label="Password" autoComplete="current-password" required />
            </>
          )}
          {signIn.error === null ? null : <Failure error={signIn.error} />}
          <Button type="submit" variant="primary" loading={signIn.isPending}>
            Sign in
          </Button>
        </form>
      </LayerCard>
    </main>
  )
}
