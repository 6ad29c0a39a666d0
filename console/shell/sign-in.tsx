/** The form of who is not signed in. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { Failure } from '../common/failure.tsx'
import { signInAsAdministrator, signInAsOperator, whoAmI } from '../session.ts'
import { Button, Input, LayerCard, SensitiveInput, Tabs } from '../ui.ts'

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
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    signIn.mutate(new FormData(event.currentTarget))
  }
  return (
    <main className="alone">
      <h1>Latchkey console</h1>
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
