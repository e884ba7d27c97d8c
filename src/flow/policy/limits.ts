/** Transactions whose senders are looked into at once; of further ones nothing is found out, and their mail is taken. */
export const examinationsMax = 500;

/** Checks in a row that got no answer in time, from which further ones are waited for only shortly, until one gets an answer again. */
export const silentChecksMax = 3;
export const silentWaitMs = 1000;

/** So many logins in a row were checked before it is told again that one could not be. */
export const loginsCalmMin = 100;

/** How often it is told that a block list does not answer. */
export const listSilenceMs = 3_600_000;
