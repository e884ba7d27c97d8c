/**
 * The door of the administrator API: HTTP requests in, responses out; what it does, actions do. It promises that nobody without the
 * token gets further than the login, and that everything taken from outside is bounded. It opens no sockets.
 */
export { Front, type FrontParts } from './front.ts';
export { httpLimits } from './limits.ts';
export { keepToken, tokenFile, type Token } from './token.ts';
