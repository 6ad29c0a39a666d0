/** How an endpoint for events is shown. */
import type { EventEndpoint } from '../api.ts'
import { Badge } from '../ui.ts'
import { Instant } from './instant.tsx'

const DISABLED: Readonly<Record<string, string>> = {
  operator: 'by an operator',
  gone: 'it answered 410',
  failing: 'it took nothing for 3 days',
}

/** Whether it is sent to, and if not, since when and why. */
export function EndpointState({ endpoint }: { readonly endpoint: EventEndpoint }) {
  if (endpoint.enabled) return <Badge variant="success">Enabled</Badge>
  return (
    <>
      <Badge variant="neutral">Disabled</Badge>
      <div className="subtle">
        <Instant at={endpoint.disabled_at} />, {DISABLED[endpoint.disabled_reason ?? ''] ?? endpoint.disabled_reason}
      </div>
    </>
  )
}

/** What it is sent. */
export function Types({ endpoint }: { readonly endpoint: EventEndpoint }) {
  return endpoint.types.map((type) => (
    <div key={type} className="mono">
      {type}
    </div>
  ))
}
