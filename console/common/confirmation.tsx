/** Asks before something that reaches far: says the number and the reach, and for the largest wants the name typed. */
import { type ReactNode, useState } from 'react'
import { Button, Dialog, Input } from '../ui.ts'

interface Asked {
  readonly title: string
  /** What it reaches, and what does not come back. */
  readonly children: ReactNode
  /** What the button says: "End 214 sessions". */
  readonly act: string
  /** What is to be typed before the button works. */
  readonly typed?: string
  readonly open: boolean
  readonly onClose: () => void
  readonly onConfirm: () => void
}

export function Confirmation({ title, children, act, typed, open, onClose, onConfirm }: Asked) {
  const [text, setText] = useState('')
  function close() {
    setText('')
    onClose()
  }
  return (
    <Dialog.Root open={open} onOpenChange={(next) => next || close()}>
      <Dialog className="dialog" size="lg">
        <Dialog.Title>{title}</Dialog.Title>
        <Dialog.Description render={<div className="stack" />}>{children}</Dialog.Description>
        {typed === undefined ? null : (
          <Input
            label={`Type ${typed} to go on`}
            value={text}
            onChange={(event) => setText(event.target.value)}
            autoComplete="off"
          />
        )}
        <div className="acts">
          <Button onClick={close}>Cancel</Button>
          <Button
            variant="destructive"
            disabled={typed !== undefined && text !== typed}
            onClick={() => {
              onConfirm()
              close()
            }}
          >
            {act}
          </Button>
        </div>
      </Dialog>
    </Dialog.Root>
  )
}
