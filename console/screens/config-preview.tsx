/** What a change of the session config would end, before it is saved. */
import { Link } from 'wouter'
import type { SessionConfigPreview } from '../api.ts'
import { useStorePath } from '../common/store.ts'
import { clientName, many } from '../common/words.ts'
import { Banner, Button, LayerCard } from '../ui.ts'

/** So many of the examples are shown. */
const EXAMPLES = 5

interface Shown {
  readonly preview: SessionConfigPreview
  /** Live sessions of the store; null: more than are counted. */
  readonly live: number | null
  /** Whether it was made again, since somebody else has changed the config. */
  readonly again: boolean
  readonly pending: boolean
  readonly onSave: () => void
  readonly onDrop: () => void
}

export function ConfigPreview({ preview, live, again, pending, onSave, onDrop }: Shown) {
  return (
    <LayerCard className="card wide">
      <h2>Preview</h2>
      {again ? (
        <Banner
          variant="alert"
          title={`Somebody changed the config meanwhile. This preview is of your change to version ${preview.version}.`}
        />
      ) : null}
      <WhatEnds preview={preview} live={live} />
      <div className="acts">
        <Button onClick={onDrop}>Drop the change</Button>
        <Button variant={preview.sessions > 0 ? 'destructive' : 'primary'} loading={pending} onClick={onSave}>
          {preview.sessions > 0 ? `Save and end ${many(preview.sessions, 'session')}` : 'Save'}
        </Button>
      </div>
    </LayerCard>
  )
}

/** The numbers, by rule, and some of the sessions. */
export function WhatEnds({ preview, live }: { readonly preview: SessionConfigPreview; readonly live: number | null }) {
  const { identity_store_id: storeId } = useStorePath()
  const { overall_timeout: overall, inactivity_timeout: idle, concurrent_sessions: limit } = preview.by_rule
  const of =
    live === null
      ? many(preview.sessions, 'live session')
      : `${preview.sessions.toLocaleString('en')} of ${many(live, 'live session')}`
  return (
    <div className="stack">
      <p>
        <strong>
          Ends now: {of}, of {many(preview.users, 'user')}
        </strong>
      </p>
      <ul className="plain">
        {(
          [
            ['by the overall timeout', overall],
            ['by the inactivity timeout', idle],
            ['by the limit of sessions at once', limit],
          ] as const
        ).map(([by, rule]) => (
          <li key={by}>
            {rule.exact ? '' : 'at most '}
            {many(rule.sessions, 'session')} {by}
            {rule.exact ? '' : ' (the last activity is known to the objects of the users only)'}
          </li>
        ))}
      </ul>
      {preview.examples.length === 0 ? null : (
        <p>
          Among them:{' '}
          {preview.examples.slice(0, EXAMPLES).map((session, index) => (
            <span key={session.id}>
              {index === 0 ? '' : '; '}
              <Link className="link" href={`/stores/${storeId}/sessions/${session.id}`}>
                {`${session.user_id} on ${clientName(session)}`}
              </Link>
            </span>
          ))}
          .
        </p>
      )}
    </div>
  )
}
