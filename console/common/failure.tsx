/** What went wrong, with what support asks for: the code and the request. */
import { Refusal } from '../http.ts'
import { Banner, Button } from '../ui.ts'

export function Failure({ error, retry }: { readonly error: Error; readonly retry?: () => void }) {
  const refusal = error instanceof Refusal ? error : null
  const text = refusal === null ? 'The service does not answer. What you see may be old.' : refusal.message
  return (
    <Banner
      variant="error"
      title={text}
      description={
        refusal === null ? undefined : (
          <span className="mono">
            {refusal.code}
            {refusal.requestId === null ? '' : ` · request ${refusal.requestId}`}
          </span>
        )
      }
      action={retry === undefined ? undefined : <Button onClick={retry}>Try again</Button>}
    />
  )
}
