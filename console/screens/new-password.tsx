/** Sets a user's password. */
import type { FormEvent } from 'react'
import { Button, Dialog, Input } from '../ui.ts'

export function NewPassword({
  open,
  onClose,
  onSet,
}: {
  readonly open: boolean
  readonly onClose: () => void
  readonly onSet: (password: string) => void
}) {
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    onSet(String(new FormData(event.currentTarget).get('password')))
    onClose()
  }
  return (
    <Dialog.Root open={open} onOpenChange={(next) => next || onClose()}>
      <Dialog className="dialog" size="lg">
        <Dialog.Title>New password</Dialog.Title>
        <Dialog.Description>It ends all sessions of the user at once.</Dialog.Description>
        <form onSubmit={submit} className="stack">
          <Input name="password" type="password" label="Password" autoComplete="new-password" required minLength={8} />
          <div className="acts">
            <Button onClick={onClose}>Cancel</Button>
            <Button type="submit" variant="primary">
              Set the password
            </Button>
          </div>
        </form>
      </Dialog>
    </Dialog.Root>
  )
}
