/** The command palette of Kumo, apart from `ui.ts`: what it weighs is loaded when somebody first asks for it. */
export { CommandPalette } from '@cloudflare/kumo/components/command-palette'
