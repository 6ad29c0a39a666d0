/** How an endpoint for events is shown. */
import type { EventEndpoint } from '../api.ts'
import { Badge } from '../ui.ts'
import { Instant } from './instant.tsx'

/** What an endpoint is, by its kind. Streams are of security events (SSF). */
export const KINDS: Readonly<Record<EventEndpoint['kind'], string>> = {
  webhook: 'Webhook',
  ssf_push: 'Stream, pushed',
  ssf_poll: 'Stream, polled',
}

const DISABLED: Readonly<Record<string, string>> = {
  operator: 'by an operator',
  receiver: 'by its receiver',
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
  if (endpoint.types.length === 0) return <span className="subtle">Only what is told of itself</span>
  return endpoint.types.map((type) => (
    <div key={type} className="mono">
      {type}
    </div>
  ))
}
