/**
 * Numbers and names of errors that systems print, and the articles that they most often lead to.
 * Linux's numbers (errno(3)); Winsock's as Windows prints them.
 */
export interface ErrorCode {
  readonly name: string;
  readonly linux?: number;
  readonly winsock?: number;
  readonly articles: readonly string[];
}

const LISTENER = ['4007'];
const UNREACHED = ['3350'];
const STORAGE = ['4900', '4752'];

/** Every code that the search knows. */
export const errorCodes: readonly ErrorCode[] = [
  { name: 'EADDRINUSE', linux: 98, winsock: 10048, articles: LISTENER },
  { name: 'EADDRNOTAVAIL', linux: 99, winsock: 10049, articles: LISTENER },
  { name: 'EACCES', linux: 13, winsock: 10013, articles: ['4007', '3450', '4900', '3750'] },
  { name: 'EPERM', linux: 1, articles: ['4007', '3450'] },
  { name: 'EAFNOSUPPORT', linux: 97, winsock: 10047, articles: LISTENER },
  { name: 'ENAMETOOLONG', linux: 36, winsock: 10063, articles: LISTENER },
  { name: 'ECONNREFUSED', linux: 111, winsock: 10061, articles: ['3350', '3650'] },
  { name: 'ETIMEDOUT', linux: 110, winsock: 10060, articles: ['3350', '3650'] },
  { name: 'EHOSTUNREACH', linux: 113, winsock: 10065, articles: ['3350', '3650'] },
  { name: 'ENETUNREACH', linux: 101, winsock: 10051, articles: UNREACHED },
  { name: 'ENETDOWN', linux: 100, winsock: 10050, articles: ['behind-a-proxy-2001', '3350'] },
  { name: 'ECONNRESET', linux: 104, winsock: 10054, articles: ['3350', '3651'] },
  { name: 'ECONNABORTED', linux: 103, winsock: 10053, articles: UNREACHED },
  { name: 'EPIPE', linux: 32, articles: UNREACHED },
  { name: 'ENOSPC', linux: 28, articles: ['3018', '4900', '3450', '3511'] },
  { name: 'EDQUOT', linux: 122, winsock: 10069, articles: ['4900', '3450', '3511'] },
  { name: 'EROFS', linux: 30, articles: STORAGE },
  { name: 'EIO', linux: 5, articles: ['4900', '4303', '4450'] },
  { name: 'ENOENT', linux: 2, articles: ['3750', '3453', '4752'] },
  { name: 'ENOTDIR', linux: 20, articles: STORAGE },
  { name: 'ENXIO', linux: 6, articles: STORAGE },
  { name: 'EFBIG', linux: 27, articles: STORAGE },
  { name: 'ESTALE', linux: 116, articles: STORAGE },
  { name: 'EMFILE', linux: 24, winsock: 10024, articles: ['3201'] },
  { name: 'ENFILE', linux: 23, articles: ['3201'] },
  { name: 'ENOMEM', linux: 12, winsock: 10055, articles: ['4131', '3800'] },
  { name: 'EEXIST', linux: 17, articles: ['4801', '4752'] },
  { name: 'EAI_AGAIN', articles: ['3701', '3700'] },
  { name: 'EAI_NONAME', articles: ['3350', '3701'] },
  { name: 'ENOTFOUND', articles: ['3350', '3701'] },
  { name: 'SERVFAIL', articles: ['3700', '3701'] },
  { name: 'WSANOTINITIALISED', winsock: 10093, articles: ['behind-a-proxy-2001'] },
  { name: 'WSASYSNOTREADY', winsock: 10091, articles: ['behind-a-proxy-2001'] },
  { name: 'WSAHOST_NOT_FOUND', winsock: 11001, articles: ['3701', '3350'] },
  { name: 'WSATRY_AGAIN', winsock: 11002, articles: ['3701', '3700'] },
  { name: 'WSANO_RECOVERY', winsock: 11003, articles: ['3701', '3700'] },
  { name: 'WSANO_DATA', winsock: 11004, articles: ['behind-a-proxy-2001', '4020'] },
];

/** Event numbers of the original service without an event here, or whose cause was another, by what explains the situation today. */
export const originalNumbers: ReadonlyMap<number, readonly string[]> = new Map([
  [2006, ['3701', '3350']],
  [3010, ['3350']],
  [3011, ['3350']],
  [4003, ['behind-a-proxy-2001']],
  [4014, ['4750']],
  [4023, ['4020', '4752']],
  [4031, ['3350', '4115']],
  [4032, ['4750']],
  [4037, ['4131', '4300']],
  [4055, ['4900', '4752']],
  [4056, ['4750']],
  [4057, ['3701', '4115']],
  [4058, ['3701', '4020']],
  [4067, ['3701', '4020']],
]);
