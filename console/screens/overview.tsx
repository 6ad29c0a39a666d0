/** What goes on in a store, in figures; each leads to the list behind it. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { bodyOf, getOverview } from '../api.ts'
import { HourBars } from '../common/hour-bars.tsx'
import { Instant } from '../common/instant.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { useStorePath } from '../common/store.ts'
import { useUrlState } from '../common/url-state.ts'
import { Whole } from '../common/whole.tsx'
import { END_REASONS, many } from '../common/words.ts'
import { Empty, LayerCard, Tabs } from '../ui.ts'

const SPANS: Readonly<Record<string, string>> = { 24: '24 hours', 168: '7 days' }

export function Overview() {
  const path = useStorePath()
  const url = useUrlState()
  const hours = url.values.get('hours') === '168' ? 168 : 24
  const span = SPANS[hours] ?? ''
  const overview = useQuery({
    queryKey: ['overview', path, hours],
    queryFn: ({ signal }) => bodyOf(getOverview({ path, query: { hours }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  })
  const to = (section: string) => `/stores/${path.identity_store_id}/${section}`
  return (
    <Screen
      title="Overview"
      about="Mirror: counted moments after the sessions change."
      acts={
        <Tabs
          tabs={Object.entries(SPANS).map(([value, label]) => ({ value, label }))}
          value={String(hours)}
          onValueChange={(value) => url.set({ hours: value === '24' ? null : value })}
        />
      }
    >
      <Found query={overview}>
        {(found) => {
          const ends = reasons(found.hours)
          const sum = (of: (hour: (typeof found.hours)[number]) => number) =>
            found.hours.reduce((total, hour) => total + of(hour), 0)
          return (
            <>
              <div className="figures">
                <Figure name="Live sessions" to={to('sessions')} more={`of ${many(found.users_with_sessions, 'user')}`}>
                  {found.live_sessions.toLocaleString('en')}
                </Figure>
                <Figure name="Users locked out" to={to('lockouts')} more="after wrong passwords">
                  {found.lockouts.count}
                  {found.lockouts.exact ? '' : '+'}
                </Figure>
                <Figure name="Jobs to finish" to={to('jobs')} more={`${found.jobs.failing} failing`}>
                  {found.jobs.unfinished}
                </Figure>
                <Figure
                  name="Session config"
                  to={to('session-config')}
                  more={
                    <>
                      <Instant at={found.session_config.changed_at} />
                      <Whole text={found.session_config.changed_by} />
                    </>
                  }
                >
                  {`Version ${found.session_config.version}`}
                </Figure>
              </div>
              <div className="charts">
                <HourBars
                  title={`${many(
                    sum(({ opened }) => opened),
                    'session',
                  )} opened in ${span}`}
                  what="opened"
                  hours={found.hours.map(({ hour, opened }) => ({ hour, count: opened }))}
                />
                <HourBars
                  title={`${many(
                    sum(({ ended }) => total(ended)),
                    'session',
                  )} ended in ${span}`}
                  what="ended"
                  hours={found.hours.map(({ hour, ended }) => ({ hour, count: total(ended) }))}
                />
                <HourBars
                  title={`${many(
                    sum((hour) => hour.failed_sign_ins),
                    'wrong password',
                  )} in ${span}`}
                  what="wrong passwords"
                  hours={found.hours.map((hour) => ({ hour: hour.hour, count: hour.failed_sign_ins }))}
                />
                <HourBars
                  title={`${many(
                    sum(({ lockouts }) => lockouts),
                    'lockout',
                  )} in ${span}`}
                  what="lockouts"
                  hours={found.hours.map(({ hour, lockouts }) => ({ hour, count: lockouts }))}
                />
                <LayerCard className="chart">
                  <h2>Ends by reason</h2>
                  {ends.length === 0 ? (
                    <Empty size="sm" title="No session ended" description={`None has in the last ${span}.`} />
                  ) : (
                    <ul className="reasons">
                      {ends.map(([reason, count]) => (
                        <li key={reason}>
                          <Link className="link" href={`${to('ended')}?end_reason=${reason}`}>
                            {END_REASONS[reason] ?? reason}
                          </Link>
                          <span>{count.toLocaleString('en')}</span>
                        </li>
                      ))}
                    </ul>
                  )}
                </LayerCard>
              </div>
            </>
          )
        }}
      </Found>
    </Screen>
  )
}

function Figure(shown: {
  readonly name: string
  readonly to: string
  readonly more: ReactNode
  readonly children: ReactNode
}) {
  return (
    <LayerCard className="figure">
      <Link className="link" href={shown.to}>
        {shown.name}
      </Link>
      <strong>{shown.children}</strong>
      <span className="subtle">{shown.more}</span>
    </LayerCard>
  )
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

/** How many ended for each reason, the most frequent first. */
function reasons(hours: readonly { readonly ended: Readonly<Record<string, number>> }[]): [string, number][] {
  const counts = new Map<string, number>()
  for (const { ended } of hours) {
    for (const [reason, count] of Object.entries(ended)) counts.set(reason, (counts.get(reason) ?? 0) + count)
  }
  return [...counts].filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a)
}
