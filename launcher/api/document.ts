import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { createJsonSchemaTransform } from 'fastify-type-provider-zod'
import type { z } from 'zod'

/** What zod leaves out of an input's schema: the default of a value that is also transformed. */
function addDefault({
  zodSchema,
  jsonSchema,
}: {
  zodSchema: z.core.$ZodTypes
  jsonSchema: object
}) {
  const { def } = zodSchema._zod
  if (def.type === 'default' && !('default' in jsonSchema))
    Object.assign(jsonSchema, { default: def.defaultValue })
}

/** How the OpenAPI document is made from the routes and their zod schemas. */
export const document: FastifyDynamicSwaggerOptions = {
  openapi: {
    openapi: '3.1.0',
    info: { title: 'Reveille', description: 'The private API of a launcher.', version: '1' },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    security: [{ token: [] }],
  },
  transform: createJsonSchemaTransform({ zodToJsonConfig: { override: addDefault } }),
}
