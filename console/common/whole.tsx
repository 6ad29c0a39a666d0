/** An id on one line, however long; whole for who points at it, and for who copies it. */
export function Whole({ text }: { readonly text: string | null }) {
  return text === null ? null : (
    <div className="whole subtle mono" title={text}>
      {text}
    </div>
  )
}
