// Shows /openapi.json. `validatorUrl: null` keeps the page from asking an outside service for a badge.
window.SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  docExpansion: 'list',
  validatorUrl: null,
})
