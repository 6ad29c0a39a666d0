// What `npm run dev -- …` was asked: our own options, and the arguments that go to wrangler as they are.
import { networkInterfaces } from 'node:os'
import { resolve } from 'node:path'
import { MAX_SESSIONS } from './demo-people.mjs'

export const DEFAULT_PORT = 8787
const DEFAULT_IP = '127.0.0.1'
const PROTOCOLS = ['http', 'https']
const ORIGINS = 'PUBLIC_ORIGINS:'

/** Reads the arguments. Throws an `Error` with a plain message for an option that is wrong or lacks its value. */
export function readOptions(args, root) {
  const options = {
    ip: DEFAULT_IP,
    port: DEFAULT_PORT,
    protocol: 'http',
    persistTo: resolve(root, '.wrangler/state'),
    reset: false,
    /** How many sessions the demo store is to have been filled with. */
    demoSessions: 0,
    /** Origins beside those of the address that it listens on. */
    origins: [],
  }
  const rest = []
  for (let index = 0; index < args.length; index += 1) {
    const [name, inline] = split(args[index])
    const value = () => {
      if (inline !== undefined) return inline
      index += 1
      if (args[index] === undefined) throw new Error(`${name} needs a value`)
      return args[index]
    }
    if (name === '--port') options.port = port(value())
    else if (name === '--ip') options.ip = value()
    else if (name === '--local-protocol') options.protocol = protocol(value())
    else if (name === '--persist-to') options.persistTo = resolve(root, value())
    else if (name === '--reset') options.reset = true
    else if (name === '--demo-sessions') options.demoSessions = demoSessions(value())
    else if (name === '--var' && (inline ?? args[index + 1])?.startsWith(ORIGINS))
      options.origins.push(...value().slice(ORIGINS.length).split(','))
    else rest.push(args[index])
  }
  return { ...options, rest, baseUrl: `${options.protocol}://${reachable(options.ip)}:${options.port}` }
}

/** What wrangler is given, with the paths of the configurations. */
export function wranglerArguments({ ip, port, protocol, persistTo, origins, rest, baseUrl }, configs) {
  const asConfigured = ip === DEFAULT_IP && port === DEFAULT_PORT && protocol === 'http' && origins.length === 0
  // The first one is in links; the last ones are how this machine is called from itself, and from its neighbours.
  const reached = [baseUrl, ...['localhost', ...neighbourly(ip)].map((host) => `${protocol}://${host}:${port}`)]
  const all = [...new Set([...origins, ...reached])].join(',')
  return [
    ...['dev', ...configs.flatMap((config) => ['-c', config])],
    ...['--ip', ip, '--port', String(port), '--local-protocol', protocol, '--persist-to', persistTo],
    '--show-interactive-dev-session=false',
    // Wrangler looks for a free one from 9229 on: two that start at the same moment find the same.
    ...(rest.some((argument) => argument.startsWith('--inspector-port')) ? [] : ['--inspector-port', '0']),
    ...(asConfigured ? [] : ['--var', `${ORIGINS}${all}`]),
    ...rest,
  ]
}

function split(argument) {
  const at = argument.startsWith('--') ? argument.indexOf('=') : -1
  return at < 0 ? [argument] : [argument.slice(0, at), argument.slice(at + 1)]
}

function port(text) {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1 || number > 65_535) throw new Error(`--port ${text}: not a port`)
  return number
}

function demoSessions(text) {
  const number = Number(text)
  if (Number.isInteger(number) && number >= 1 && number <= MAX_SESSIONS) return number
  throw new Error(`--demo-sessions ${text}: not a number from 1 to ${MAX_SESSIONS}`)
}

function protocol(text) {
  if (!PROTOCOLS.includes(text)) throw new Error(`--local-protocol ${text}: neither http nor https`)
  return text
}

function isAny(ip) {
  return ip === '0.0.0.0' || ip === '*' || ip === '::'
}

/** An address under which this machine reaches what listens on `ip`. */
function reachable(ip) {
  if (isAny(ip)) return DEFAULT_IP
  return inUrl(ip)
}

/** The addresses under which other machines reach what listens on `ip`, if it listens on all of them. */
function neighbourly(ip) {
  if (!isAny(ip)) return []
  const all = Object.values(networkInterfaces()).flat()
  // Addresses of one link alone need a zone, which no origin has.
  const routable = all.filter(({ address, internal }) => !internal && !address.startsWith('fe80'))
  return routable.map(({ address }) => inUrl(address))
}

function inUrl(ip) {
  return ip.includes(':') ? `[${ip}]` : ip
}
