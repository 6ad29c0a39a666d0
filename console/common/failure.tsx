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
          <>
            {fieldsOf(refusal).map(({ field, message }) => (
              <div key={field}>
                <span className="mono">{field}</span>: {message}
              </div>
            ))}
            <span className="mono">
              {refusal.code}
              {refusal.requestId === null ? '' : ` · request ${refusal.requestId}`}
            </span>
          </>
        )
      }
      action={retry === undefined ? undefined : <Button onClick={retry}>Try again</Button>}
    />
  )
}

/** What is wrong with which field, where the service says that. */
function fieldsOf({ problem: { errors } }: Refusal): readonly { readonly field: string; readonly message: string }[] {
  return Array.isArray(errors) ? errors : []
}
