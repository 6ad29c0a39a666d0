/** The OpenAPI documents: for applications, for operators, and of the vendors' APIs. */
export const DOCUMENTS = ['/openapi.json', '/openapi/operator.json', '/openapi/vendors.json'] as const
