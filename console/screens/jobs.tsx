/** What the service still has to finish for a store, how far it is, and what has failed. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { bodyOf, deleteJob, type Job, listJobs, retryJob } from '../api.ts'
import { Outcome, useAct } from '../common/act.tsx'
import { Confirmation } from '../common/confirmation.tsx'
import { Instant } from '../common/instant.tsx'
import { List } from '../common/list.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { useStorePath } from '../common/store.ts'
import { useMay } from '../session.ts'
import { Badge, Button, Empty, Meter } from '../ui.ts'

const STATES = {
  running: { name: 'Running', variant: 'info' },
  failing: { name: 'Failing', variant: 'error' },
  done: { name: 'Done', variant: 'success' },
  cancelled: { name: 'Given up', variant: 'neutral' },
} as const
const KINDS: Readonly<Record<string, string>> = {
  apply_rules: 'Apply a changed policy to users',
  clear_locations: 'Clear the places of sessions',
  end_sessions: 'End sessions',
  erase_user: 'Erase a deleted user',
  idp_logout: 'End what an OpenID provider has ended',
  publish_config: 'Publish the session config',
  rebuild_records: 'Fill the database again',
  reset_users: 'End the sessions of users',
  sweep_sessions: 'Look through all live sessions',
}
/** What has effects that nobody counts on yet; the rest is finished, come what may. */
const CAN_BE_GIVEN_UP = ['end_sessions', 'rebuild_records', 'reset_users']
const isOver = ({ state }: Job) => state === 'done' || state === 'cancelled'

export function Jobs() {
  const path = useStorePath()
  const may = useMay()
  const act = useAct()
  const [dropped, setDropped] = useState<Job | null>(null)
  const jobs = useQuery({
    queryKey: ['jobs', path],
    queryFn: ({ signal }) => bodyOf(listJobs({ path, signal })),
    refetchInterval: ({ state }) => (state.data?.jobs.some((job) => !isOver(job)) === true ? 2_000 : 10_000),
  })
  function retry({ job_id }: Job) {
    act.run(async () => {
      await retryJob({ path: { ...path, job_id } })
      return 'It is tried again.'
    })
  }
  function drop({ job_id }: Job, said: string) {
    act.run(async () => {
      await deleteJob({ path: { ...path, job_id } })
      return said
    })
  }
  return (
    <Screen title="Jobs" about="Exact. Work that was accepted is finished, however often it has to be tried.">
      <Outcome act={act} />
      <Found query={jobs}>
        {({ jobs: rows }) =>
          rows.length === 0 ? (
            <Empty
              title="Nothing to do"
              description="Work that takes longer, such as ending many sessions, shows here, and for a day after it."
            />
          ) : (
            <List
              label="Jobs"
              rows={rows}
              idOf={(job) => job.job_id}
              nameOf={({ kind }) => KINDS[kind] ?? kind}
              columns={[
                {
                  name: 'Job',
                  cell: (job) => (
                    <>
                      {KINDS[job.kind] ?? job.kind}
                      <div className="subtle mono">{job.job_id}</div>
                    </>
                  ),
                },
                {
                  name: 'State',
                  cell: (job) => (
                    <>
                      <Badge variant={STATES[job.state].variant}>{STATES[job.state].name}</Badge>
                      {job.failures > 0 ? <div className="subtle">{job.failures} failures in a row</div> : null}
                    </>
                  ),
                },
                { name: 'How far', cell: (job) => <Progress job={job} /> },
                { name: 'Since', cell: (job) => <Instant at={job.created_at} /> },
                {
                  name: 'Next',
                  cell: (job) => (
                    <>
                      <Instant at={job.due_at} />
                      <div className="subtle">{isOver(job) ? 'it is forgotten' : 'it goes on'}</div>
                    </>
                  ),
                },
                {
                  name: '',
                  cell: (job) =>
                    !may('operator:sessions') ? null : isOver(job) ? (
                      <Button size="sm" onClick={() => drop(job, 'The job is forgotten.')}>
                        Forget
                      </Button>
                    ) : (
                      <span className="flags">
                        <Button size="sm" onClick={() => retry(job)}>
                          Try now
                        </Button>
                        {CAN_BE_GIVEN_UP.includes(job.kind) ? (
                          <Button size="sm" onClick={() => setDropped(job)}>
                            Give up
                          </Button>
                        ) : null}
                      </span>
                    ),
                },
              ]}
            />
          )
        }
      </Found>
      <Confirmation
        title="Give up what is left of the job?"
        act="Give up the rest"
        open={dropped !== null}
        onClose={() => setDropped(null)}
        onConfirm={() => dropped !== null && drop(dropped, 'The rest is given up.')}
      >
        <p>What it has done stays done. The rest is not done any more.</p>
      </Confirmation>
    </Screen>
  )
}

function Progress({ job: { done, left } }: { readonly job: Job }) {
  if (done === null || left === null) return <span className="subtle">One step</span>
  const all = done + left
  return (
    <Meter
      label="Done"
      value={all === 0 ? 100 : (done / all) * 100}
      customValue={`${done.toLocaleString('en')}\u00a0/\u00a0${all.toLocaleString('en')}`}
    />
  )
}
