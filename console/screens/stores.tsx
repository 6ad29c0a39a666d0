/** The identity stores. */
import { useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'
import { Failure } from '../common/failure.tsx'
import { call } from '../http.ts'
import { Empty, LayerCard, Loader, Table } from '../ui.ts'

interface Store {
  readonly identity_store_id: string
  readonly name: string
  readonly state: string
}

export function Stores() {
  const stores = useQuery({
    queryKey: ['stores', 'list'],
    queryFn: async ({ signal }) =>
      (await call<{ identity_stores: readonly Store[] }>('/operator/identity-stores', { signal })).body.identity_stores,
  })
  if (stores.error !== null) return <Failure error={stores.error} retry={() => void stores.refetch()} />
  if (stores.data === undefined) return <Loader />
  if (stores.data.length === 0)
    return <Empty title="There is no identity store yet" description="Make the first one." />
  return (
    <>
      <h1>Stores</h1>
      <LayerCard className="list">
        <Table>
          <Table.Header>
            <Table.Row>
              <Table.Head>Name</Table.Head>
              <Table.Head>Id</Table.Head>
              <Table.Head>State</Table.Head>
            </Table.Row>
          </Table.Header>
          <Table.Body>
            {stores.data.map((store) => (
              <Table.Row key={store.identity_store_id}>
                <Table.Cell>
                  <Link href={`/stores/${store.identity_store_id}/overview`}>{store.name}</Link>
                </Table.Cell>
                <Table.Cell className="mono">{store.identity_store_id}</Table.Cell>
                <Table.Cell>{store.state}</Table.Cell>
              </Table.Row>
            ))}
          </Table.Body>
        </Table>
      </LayerCard>
    </>
  )
}
