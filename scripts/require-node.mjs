// Imported before anything that needs a newer Node: says in one line what to type instead of failing somewhere inside.
const NEEDED = 22

if (Number(process.versions.node.split('.')[0]) < NEEDED) {
  console.error(
    `This is Node ${process.versions.node}; the tests need ${NEEDED} or newer, which the project brings along. ` +
      'Type: npm test, or npm exec -- vitest run FILE',
  )
  process.exit(1)
}
