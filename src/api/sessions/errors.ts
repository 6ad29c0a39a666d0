/** The own API's words for what goes wrong: problem details, and OAuth's where OAuth has its own. */
export { renderInternalProblem as renderBug, renderProblem as renderError } from '../problems.ts'
