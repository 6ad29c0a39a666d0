// Shows all documents. `validatorUrl: null` keeps the page from asking an outside service for a badge.
for (const [place, url] of [
  ['#application', '/openapi.json'],
  ['#operator', '/openapi/operator.json'],
  ['#vendors', '/openapi/vendors.json'],
]) {
  window.SwaggerUIBundle({
    url,
    dom_id: place,
    deepLinking: true,
    docExpansion: 'list',
    validatorUrl: null,
  })
}

// The reader's scheme, by the class that its styles know.
const dark = matchMedia('(prefers-color-scheme: dark)')
function followScheme() {
  document.documentElement.classList.toggle('dark-mode', dark.matches)
}
followScheme()
dark.addEventListener('change', followScheme)
