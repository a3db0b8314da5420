// Starts Swagger UI on our own description; kept out of the page so that no inline script is needed.
window.ui = window.SwaggerUIBundle({
  url: '../api/v1/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  // The validator badge would send the description to a public server.
  validatorUrl: null,
  tryItOutEnabled: false,
  defaultModelsExpandDepth: 0,
  presets: [window.SwaggerUIBundle.presets.apis],
});
