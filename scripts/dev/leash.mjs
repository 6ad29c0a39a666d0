// Runs a command that must not outlive whoever started it: when standard input closes (it was told to stop,
// or its starter died, however), the command gets SIGTERM, and its whole process group soon after SIGKILL.
// Usage: node leash.mjs COMMAND [ARGUMENT…], as the leader of its own process group.
import { spawn } from 'node:child_process'

const GRACE_MILLISECONDS = 3_000

const [command, ...args] = process.argv.slice(2)
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })

child.on('error', (error) => {
  console.error(`${command}: ${error.message}`)
  process.exit(127)
})
child.on('exit', (code) => process.exit(code ?? 1))

process.stdin.resume()
process.stdin.on('close', () => {
  child.kill('SIGTERM')
  setTimeout(() => process.kill(-process.pid, 'SIGKILL'), GRACE_MILLISECONDS)
})
// Whoever started us decides when it is over; a terminal's Ctrl-C reaches that one first.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.stdin.destroy())
