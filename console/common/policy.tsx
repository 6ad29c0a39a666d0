/** A policy, rule by rule: what holds, which layer says so, and what the others say. */
import type { Policy } from '../api.ts'
import { Badge, LayerCard, Table } from '../ui.ts'
import { spanInWords } from './instant.tsx'
import { WHEN_REACHED } from './words.ts'

type Rules = Policy['rules']

const NAMES: Readonly<Record<keyof Rules, string>> = {
  overall_timeout_seconds: 'A session may be open for',
  inactivity_timeout_seconds: 'It may lie idle for',
  concurrent_session_limit: 'Sessions at once',
  client_kind_limits: 'Of each kind of client',
  when_limit_reached: 'When one more is opened',
  persistent_cookies: 'A cookie may outlive the browser',
  track_location: 'Places are kept',
}
const LAYERS: Readonly<Record<string, string>> = {
  settings: "the user's own settings",
  group: "the group's session config",
  config: "the store's session config",
  default: 'the default',
  ceiling: 'the ceiling of the service',
}

export const layerName = (layer: string): string => LAYERS[layer] ?? layer

export function RuleList({ rules }: { readonly rules: Rules }) {
  return (
    <LayerCard className="list">
      <Table aria-label="Policy">
        <Table.Header>
          <Table.Row>
            <Table.Head>Rule</Table.Head>
            <Table.Head>Value</Table.Head>
            <Table.Head>Decided by</Table.Head>
            <Table.Head>What the layers say</Table.Head>
          </Table.Row>
        </Table.Header>
        <Table.Body>
          {(Object.keys(NAMES) as (keyof Rules)[]).map((name) => {
            const { value, from, version, layers } = rules[name]
            return (
              <Table.Row key={name}>
                <Table.Cell>{NAMES[name]}</Table.Cell>
                <Table.Cell>
                  <strong>{ruleInWords(name, value)}</strong>
                </Table.Cell>
                <Table.Cell>
                  {layerName(from)}
                  {version === null ? '' : `, version ${version}`}
                </Table.Cell>
                <Table.Cell>
                  <span className="flags">
                    {Object.entries(layers).map(([layer, said]) => (
                      <Badge key={layer} variant={layer === from ? 'primary' : 'outline'}>
                        {`${layer}: ${ruleInWords(name, said)}`}
                      </Badge>
                    ))}
                  </span>
                </Table.Cell>
              </Table.Row>
            )
          })}
        </Table.Body>
      </Table>
    </LayerCard>
  )
}

export function ruleInWords(name: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? 'Yes' : 'No'
  if (name.endsWith('_seconds')) return typeof value === 'number' ? spanInWords(value) : 'Any time'
  if (value === null || value === undefined) return 'No limit'
  if (typeof value === 'string') return WHEN_REACHED[value] ?? value
  if (typeof value !== 'object') return String(value)
  return Object.entries(value)
    .map(([kind, limit]) => `${kind}: ${limit ?? 'no limit'}`)
    .join(', ')
}
