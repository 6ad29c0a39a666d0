// What `npm run dev -- …` was asked: our own options, and the arguments that go to wrangler as they are.
import { resolve } from 'node:path'
import { DEV_CONFIGS } from './application-server.mjs'

export const DEFAULT_PORT = 8787
const DEFAULT_IP = '127.0.0.1'

/** Reads the arguments. Throws an `Error` with a plain message for an option without its value. */
export function readOptions(args, root) {
  const options = { ip: DEFAULT_IP, port: DEFAULT_PORT, persistTo: resolve(root, '.wrangler/state'), reset: false }
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
    else if (name === '--persist-to') options.persistTo = resolve(root, value())
    else if (name === '--reset') options.reset = true
    else rest.push(args[index])
  }
  return { ...options, rest, baseUrl: `http://${reachable(options.ip)}:${options.port}` }
}

/** What wrangler is given. On another address than the one in wrangler.toml, that one is the public origin. */
export function wranglerArguments({ ip, port, persistTo, rest, baseUrl }) {
  const ours = ip === DEFAULT_IP && port === DEFAULT_PORT
  const origins = [...new Set([baseUrl, `http://localhost:${port}`])].join(',')
  return [
    ...[
      'dev',
      ...DEV_CONFIGS.flatMap((config) => ['-c', config]),
      '--ip',
      ip,
      '--port',
      String(port),
      '--persist-to',
      persistTo,
    ],
    '--show-interactive-dev-session=false',
    ...(ours || rest.some((argument) => argument.includes('PUBLIC_ORIGINS:'))
      ? []
      : ['--var', `PUBLIC_ORIGINS:${origins}`]),
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

/** An address under which this machine reaches what listens on `ip`. */
function reachable(ip) {
  if (ip === '0.0.0.0' || ip === '*') return DEFAULT_IP
  if (ip === '::') return '[::1]'
  return ip.includes(':') ? `[${ip}]` : ip
}
