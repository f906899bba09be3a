/** The reference of all operations at /docs: Swagger UI over /openapi.json, from our own files. */
import 'swagger-ui-dist/swagger-ui.css'
// @ts-expect-error the package carries no types for its module build
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js'

SwaggerUI({ url: '/openapi.json', dom_id: '#app', deepLinking: true, docExpansion: 'none', filter: true, validatorUrl: null, supportedSubmitMethods: [] })
