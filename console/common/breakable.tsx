/** A text that is broken before an @ or after a colon rather than anywhere. */
import { Fragment } from 'react'

export function Breakable({ text }: { readonly text: string }) {
  return text.split(/(?=@)|(?<=:)/).map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text have no other name
    <Fragment key={index}>
      {index === 0 ? null : <wbr />}
      {part}
    </Fragment>
  ))
}
