/** Transactions whose senders are looked into at once; of further ones nothing is found out, and their mail is taken. */
export const examinationsMax = 500;

/** How often it is told that a block list does not answer. */
export const listSilenceMs = 3_600_000;
