/** The version of the service, as package.json has it (a house test compares them). */
export const VERSION = '0.1.0';
