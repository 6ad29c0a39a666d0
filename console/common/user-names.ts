/** The names of the users that a list shows by their ids: one request for a page of it. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { bodyOf, listUserSummaries, type UserSummary } from '../api.ts'
import { useStorePath } from './store.ts'

/** As many as one request names. */
const MOST = 100
const FRESH_MILLISECONDS = 60_000

/** What is known of these users, by their ids; who is not there is not in it. `asking`: more may be known in a moment. */
export function useUserSummaries(userIds: readonly string[], freshMilliseconds = FRESH_MILLISECONDS) {
  const path = useStorePath()
  const ids = [...new Set(userIds)].sort().slice(0, MOST)
  const { data, isFetching } = useQuery({
    queryKey: ['user-summaries', path, ids],
    queryFn: ({ signal }) => bodyOf(listUserSummaries({ path, query: { user_ids: ids.join(',') }, signal })),
    enabled: ids.length > 0,
    staleTime: freshMilliseconds,
    placeholderData: keepPreviousData,
  })
  const known = new Map<string, UserSummary>((data?.users ?? []).map((user) => [user.user_id, user]))
  return { known, asking: isFetching }
}
