/** The package's version, which the service is told. */
export const VERSION = '0.1.0'
