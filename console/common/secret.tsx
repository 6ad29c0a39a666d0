/** Shows once what nobody can read again. */
import { Button, ClipboardText, Dialog } from '../ui.ts'

interface Shown {
  readonly title: string
  readonly secrets: readonly { readonly name: string; readonly value: string }[]
  readonly onStored: () => void
}

export function Secrets({ title, secrets, onStored }: Shown) {
  return (
    <Dialog.Root open>
      <Dialog className="dialog" size="lg">
        <Dialog.Title>{title}</Dialog.Title>
        <Dialog.Description>
          It shows here once. Nobody can read it again, also not from the service.
        </Dialog.Description>
        {secrets.map(({ name, value }) => (
          <div key={name}>
            <p className="subtle">{name}</p>
            <ClipboardText text={value} />
          </div>
        ))}
        <div className="acts">
          <Button variant="primary" onClick={onStored}>
            I have stored it
          </Button>
        </div>
      </Dialog>
    </Dialog.Root>
  )
}
