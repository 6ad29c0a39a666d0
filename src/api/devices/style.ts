/** The pages' one stylesheet. It comes inside the page; the policy lets it in by its hash. */
import { createHash } from 'node:crypto'

export const STYLE = `
:root { color-scheme: light dark; --page: #f4f5f7; --card: #ffffff; --text: #1b1f24; --soft: #505a65; --line: #8a94a0;
  --faint: #d5dae0; --accent: #0b57d0; --on-accent: #ffffff; --danger: #a8071a; --note: #e8f0fe; --warn: #fdecea }
@media (prefers-color-scheme: dark) {
  :root { --page: #101317; --card: #1a1f25; --text: #e8ebee; --soft: #aab4bf; --line: #77828e; --faint: #323a43;
    --accent: #8ab4f8; --on-accent: #0b1a30; --danger: #ff9b91; --note: #1b2a41; --warn: #3a2020 }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
header, main { max-width: 46rem; margin: 0 auto; padding: 1rem }
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; justify-content: space-between }
header p { margin: 0; min-width: 0 }
main.narrow { max-width: 26rem }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .75rem }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2rem 0 .5rem }
h3 { font-size: 1.05rem; line-height: 1.35; margin: 0 }
p { margin: .5rem 0 }
ul { list-style: none; margin: .75rem 0; padding: 0; display: grid; gap: .75rem }
ol { padding-left: 1.4rem; margin: .5rem 0 }
a { color: var(--accent) }
.soft { color: var(--soft) }
.card, .note { background: var(--card); border: 1px solid var(--faint); border-radius: .6rem; padding: 1rem }
.current { border: 2px solid var(--accent) }
.note { background: var(--note); margin: 0 0 1rem }
.note.warn { background: var(--warn); border-color: var(--danger) }
.note > :first-child { margin-top: 0 }
.note > :last-child { margin-bottom: 0 }
.head { display: flex; gap: .75rem; align-items: center }
.head svg { flex: none; width: 1.75rem; height: 1.75rem; fill: none; stroke: var(--soft); stroke-width: 1.5 }
.head div { min-width: 0 }
.head p { margin: 0 }
.tag { display: inline-block; background: var(--accent); color: var(--on-accent); border-radius: 1rem; padding: 0 .65rem;
  font-size: .85rem; font-weight: 600 }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 8rem), 1fr)); gap: .5rem 1rem; margin: .75rem 0 0 }
dt { color: var(--soft); font-size: .875rem }
dd { margin: 0 }
.acts { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: flex-start; margin-top: .75rem }
.acts details[open] { flex-basis: 100% }
summary { cursor: pointer; padding: .45rem 0; color: var(--danger); text-decoration: underline; text-underline-offset: .2em }
label { display: block; font-weight: 600; margin-top: .75rem }
.card > label:first-child { margin-top: 0 }
label.check { display: flex; gap: .6rem; align-items: flex-start; font-weight: 400 }
input[type=text], input[type=password] { width: 100%; font: inherit; color: inherit; background: var(--card);
  border: 1px solid var(--line); border-radius: .4rem; padding: .55rem .7rem; margin-top: .25rem }
input[readonly] { background: var(--page) }
input[type=checkbox] { width: 1.25rem; height: 1.25rem; margin: .15rem 0 0; flex: none; accent-color: var(--accent) }
fieldset { border: 1px solid var(--line); border-radius: .4rem; margin: .75rem 0 0; padding: .25rem .9rem .75rem; min-width: 0 }
legend { font-weight: 600; padding: 0 .3rem }
button { font: inherit; font-weight: 600; color: var(--accent); background: transparent; border: 1px solid var(--line);
  border-radius: .4rem; padding: .45rem 1rem; cursor: pointer; min-height: 2.75rem; max-width: 100%; transition: background .15s }
button:hover { background: var(--note) }
button.main { color: var(--on-accent); background: var(--accent); border-color: var(--accent); margin-top: 1rem }
button.main:hover { text-decoration: underline }
button.danger { color: var(--danger); border-color: var(--danger) }
button.danger:hover { background: var(--warn) }
.wide { width: 100% }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
nav { margin: .75rem 0; display: flex; flex-wrap: wrap; gap: .5rem 1.5rem }
@media (prefers-reduced-motion: reduce) { * { transition: none !important } }
@media (forced-colors: active) { .tag { border: 1px solid } }
`

/** As Content-Security-Policy names it. */
export const STYLE_SOURCE = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`
