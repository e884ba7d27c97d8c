/**
 * The door of SPF: who may send mail for a domain (RFC 7208). It asks the resolver that it is given and nothing else, keeps the limits
 * of the standard, and never rejects: what cannot be looked up is temperror, what is wrong in a record permerror with the term.
 */
export { checkSpf, type SpfQuestion, type SpfResult, type SpfVerdict } from './evaluate.ts';
