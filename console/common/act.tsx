/** What an administrator does: says that it is done, shows why it is not, and asks for the token where it is needed. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { Refusal } from '../http.ts'
import { confirm } from '../session.ts'
import { Button, Dialog, SensitiveInput, useKumoToastManager } from '../ui.ts'
import { Failure } from './failure.tsx'

/** Does something, and gives the sentence that says what was done; null says nothing. */
type Doing = () => Promise<string | null>

export interface Act {
  readonly run: (doing: Doing) => void
  readonly isPending: boolean
  readonly error: Error | null
  readonly again: () => void
  readonly forget: () => void
}

export function useAct(): Act {
  const queries = useQueryClient()
  const toasts = useKumoToastManager()
  const { mutate, isPending, error, variables, reset } = useMutation({
    mutationFn: (doing: Doing) => doing(),
    onSuccess(said) {
      if (said !== null) toasts.add({ title: said })
      void queries.invalidateQueries()
    },
  })
  return {
    run: mutate,
    isPending,
    error,
    again: () => variables !== undefined && mutate(variables),
    forget: reset,
  }
}

/** Where a screen shows what did not work. */
export function Outcome({ act }: { readonly act: Act }) {
  if (act.error === null) return null
  if (act.error instanceof Refusal && act.error.code === 'confirmation_needed') return <TokenAgain act={act} />
  return <Failure error={act.error} retry={act.again} />
}

function TokenAgain({ act }: { readonly act: Act }) {
  const [error, setError] = useState<Error | null>(null)
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const token = String(new FormData(event.currentTarget).get('token')).trim()
    confirm(token).then(act.again, setError)
  }
  return (
    <Dialog.Root open onOpenChange={(open) => open || act.forget()}>
      <Dialog className="dialog" size="lg">
        <Dialog.Title>Show your token again</Dialog.Title>
        <Dialog.Description>
          This act needs a proof that is not older than five minutes. An administrator of a store signs out and in
          again.
        </Dialog.Description>
        <form onSubmit={submit} className="stack">
          <SensitiveInput name="token" label="Operator token" required autoFocus />
          {error === null ? null : <Failure error={error} />}
          <div className="acts">
            <Button onClick={act.forget}>Cancel</Button>
            <Button type="submit" variant="primary">
              Go on
            </Button>
          </div>
        </form>
      </Dialog>
    </Dialog.Root>
  )
}
