// A small description, enough to see Swagger UI work.
export const OPENAPI = {
  openapi: '3.1.0',
  info: { title: 'Ohmstead', version: '0.1.0', description: 'The mock house.' },
  paths: {
    '/api/v1/house': {
      get: { summary: 'The whole house', operationId: 'house', responses: { 200: { description: 'Values with their age' } } },
    },
    '/api/v1/devices/{name}/mode': {
      post: {
        summary: 'Ask a battery for a mode',
        operationId: 'set_mode',
        parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'string' } }],
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/ModeRequest' } } } },
        responses: { 200: { description: 'What came of it' } },
      },
    },
  },
  components: {
    schemas: {
      ModeRequest: {
        type: 'object',
        required: ['mode'],
        properties: { mode: { type: 'string', enum: ['auto', 'charge'] }, power_w: { type: 'integer' } },
      },
    },
  },
};
