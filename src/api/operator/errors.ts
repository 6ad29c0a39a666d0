/** The operator API's words for what goes wrong: problem details. */
export { renderInternalProblem as renderBug, renderProblem as renderError } from '../problems.ts'
